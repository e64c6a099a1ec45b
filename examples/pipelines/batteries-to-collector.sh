#!/bin/sh
# Readings to a log collector over TCP, and nothing lost while it is away: they wait on disk, in $SPOOL.
# $COLLECTOR is tcp://host:port, tls://host:port, udp://host:port or ws://host/path.
set -eu
bms-read "$@" | spool "${SPOOL:-/var/lib/voltpipe/collector}" -- send "${COLLECTOR:?as tcp://host:port}"
