#!/bin/bash
# Sends the lines that a server rejected (influx-write --rejects FILE) again, once what was wrong is mended.
#   again.sh rejects.ndjson http://localhost:8086/write?db=battery_hawk&precision=ms
set -euo pipefail
jq -r .line "$1" | curl --fail-with-body --silent --show-error --data-binary @- "$2"
