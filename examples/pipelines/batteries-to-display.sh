#!/bin/sh
# Readings to a display, or to a machine with no network, over a serial line: a line of JSON each. $LINE is the device and its speed.
# A display wants what is so now: while the line is unplugged the oldest go.
set -eu
bms-read "$@" | send "serial://${LINE:-/dev/ttyUSB1?baud=115200}" --queue 10 --when-full drop-oldest
