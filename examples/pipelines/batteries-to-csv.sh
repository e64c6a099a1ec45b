#!/bin/sh
# The log of the ESP32 monitor (BMSLogEntry), for whatever reads it: a table that grows, a new one for each 16 MiB. $LOG names the file.
set -eu
bms-read "$@" | send "file:${LOG:-/media/sd/bms.csv}" --payload csv --preset bms-log --rotate-size 16MiB
