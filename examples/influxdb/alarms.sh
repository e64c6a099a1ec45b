#!/bin/bash
# Readings on stdin; readings and alarms in the database. Which alarm it is makes a series of its own, so that two at the same
# moment are two points; whether it was raised or cleared is a text, which has to be asked for.
set -o pipefail
alarm "$@" | influx-write --tags alarm --string-fields state
