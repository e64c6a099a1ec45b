#!/bin/sh
# A message for each alarm: one request each, to the address in the file $WEBHOOK, which nobody else may read.
set -eu
bms-read "$@" | alarm "${RULE:-voltage<12.2 for 30m clear 12.6}" --only alarm |
  spool "${SPOOL:-/var/lib/voltpipe/webhook}" -- send --url-file "${WEBHOOK:?a file with the address}" --body object
