#!/bin/bash
# A BMW in A Better Routeplanner, with nothing lost while ABRP or the network is away. What can't be delivered waits in the folder
# that is given, or in ./abrp; the next start goes on with it.
set -o pipefail
bmw-stream | normalize | spool "${1:-./abrp}" -- abrp-push
