#!/bin/sh
# One reading for Home Assistant, for a line of cron: */15 * * * * battery-from-cron.sh --port /dev/ttyUSB0
# Nobody says online or offline here: the values run out by themselves, two hours after the last reading.
set -eu
bms-read --once "$@" | ha-discovery --no-status | mqtt-pub --no-status
