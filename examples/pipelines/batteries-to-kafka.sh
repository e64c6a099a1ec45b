#!/bin/sh
# Readings to Kafka by kcat, one message a line. The key keeps the readings of a device in order; it ends with a tabulator, since
# Bluetooth addresses have colons. kcat tells nobody what the broker has taken: for that, put NATS JetStream or HTTP in its place.
set -eu
bms-read "$@" | jq --unbuffered -r '"\(.device_id)\t\(tojson)"' | kcat -P -b "${BROKER:?host:port}" -t "${TOPIC:-readings}" -K '\t'
