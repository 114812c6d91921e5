#!/bin/sh
# Runs a program on this system with another script `ldd`, the first argument, which only that program sees.
exec unshare --mount --map-root-user sh -c 'mount --bind "$0" /usr/bin/ldd && exec "$@"' "$@"
