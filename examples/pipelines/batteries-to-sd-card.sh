#!/bin/sh
# Readings on an SD card: a file a day, yesterday's compressed, a year of them. $LOG names the file.
# Arguments are those of bms-read: --registry for all monitors, or --port /dev/ttyUSB0 --interval 10s for one.
set -eu
bms-read "$@" | send "file:${LOG:-/media/sd/readings.ndjson}" --rotate-every day --compress --keep 365
