#!/bin/bash
# Readings on stdin; weeks of detail, years of hours, days, months and years for ever. Made ready by
#   influx-setup --apply --no-downsample
# TZ is the zone of days and months. Each way has a spool of its own, so that none waits for another and an outage costs nothing.
set -o pipefail
spools=${SPOOLS:-/var/lib/voltpipe/spool}
tee -p \
  >(spool "$spools/weeks" -- influx-write --rp weeks) \
  >(rollup 1h --state hours | spool "$spools/monthly" -- influx-write --rp monthly) |
  rollup 1d,1mo,1y --state days | spool "$spools/yearly" -- influx-write --rp yearly
status=$?
wait
exit $status
