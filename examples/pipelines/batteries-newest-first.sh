#!/bin/sh
# Everything goes to the SD card at once. When the broker is back the newest readings go first, and what it has missed
# follows at no more than 20 records a second; delivered records stay for a week, as far as there is room.
set -eu
bms-read "$@" | spool "${SPOOL:-/media/sd/spool}" --order live-first --drain-rate 20 --keep-sent 7d --max-bytes 512MiB -- mqtt-pub
