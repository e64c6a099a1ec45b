#!/bin/bash
# Two sinks behind one source, each with a spool of its own: one that is down holds up nobody else. `tee -p` goes on when one of its
# readers has gone; plain tee would end. Reads records, keeps both spools below the folder that is given.
set -o pipefail
folder=${1:-.}
tee -p >(spool "$folder/to-archive" --sync 10s -- ./archive) | spool "$folder/abrp" -- abrp-push
