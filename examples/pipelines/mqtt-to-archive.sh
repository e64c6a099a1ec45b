#!/bin/sh
# What others publish below $TOPIC as records, in a file a day, and nothing missed while this does not run, for up to a week: the broker
# keeps each message until it is on the disk. $LOG names the file. The broker is that of the configuration.
set -eu
exec voltpipe run "mqtt-sub --client-id ${CLIENT:-archive} --session 7d --unwrap '${TOPIC:-voltpipe/#}' |
  send 'file:${LOG:-/var/lib/voltpipe/archive.ndjson}' --rotate-every day"
