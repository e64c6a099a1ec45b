#!/bin/bash
# What a vehicle says (bmw-stream, bmw-poll, tesla-serve …) on stdin, as vehicle_telemetry in the database. Positions stay at home.
set -o pipefail
normalize --drop lat,lon | spool "${SPOOLS:-/var/lib/voltpipe/spool}/vehicle" -- influx-write
