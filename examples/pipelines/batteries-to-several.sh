#!/bin/bash
# One source, three sinks, none of which holds up another: each has a spool of its own, and tee -p goes on when one has ended.
# The broker is that of the configuration; $INGEST is the address of a server that takes batches, $LOG a file.
set -euo pipefail
spools=${SPOOLS:-/var/lib/voltpipe}
bms-read "$@" | tee -p \
  >(spool "$spools/mqtt" -- mqtt-pub) \
  >(spool "$spools/ingest" -- send "${INGEST:?as https://host/path}" --linger 1s) |
  send "file:${LOG:-/media/sd/readings.ndjson}" --rotate-every day
