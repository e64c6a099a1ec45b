#!/bin/sh
# Files of readings, compressed or not, as one table for a spreadsheet: log-to-table.sh readings-2026-03-*.ndjson.gz > march.csv
# Those of batteries-to-sd-card.sh, for example. What is no reading is left out, and counted.
set -eu
zcat -f -- "$@" | to-csv --of battery_reading --time-format sql --escape-formulas
