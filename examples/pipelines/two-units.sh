#!/bin/bash
# Taking in and delivering apart from each other, as two units or, as here, one after the other: reads records, keeps them, and then
# delivers what is there. A unit that delivers for good adds --follow.
set -e
spool put "${1:-./kept}" --sync always
spool get "${1:-./kept}" -- abrp-push
