#!/bin/sh
# Battery monitors in Home Assistant, and nothing lost while the broker is away: readings wait on disk, in $SPOOL.
# Arguments are those of bms-read: --registry for all monitors, or --port /dev/ttyUSB0 --interval 10s for one.
# The broker is that of the configuration: mqtt.url, or mqtt.broker and mqtt.port.
set -eu
bms-read "$@" | spool "${SPOOL:-/var/lib/voltpipe/mqtt}" -- voltpipe run 'ha-discovery | mqtt-pub'
