#!/bin/sh
# Readings to a log collector over TCP, and nothing lost while it is away: they wait on disk, in $SPOOL.
# $COLLECTOR is tcp://host:port, tls://host:port, udp://host:port, ws://host/path or wss://host/path; $CA a file with the certificate of
# an authority of your own, where tls or wss needs one.
set -eu
bms-read "$@" | spool "${SPOOL:-/var/lib/voltpipe/collector}" -- send "${COLLECTOR:?as tcp://host:port}" ${CA:+--ca "$CA"}
