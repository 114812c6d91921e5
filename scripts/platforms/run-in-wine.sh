#!/bin/sh
# Runs a program of Windows and ends with its code. Its streams are files: Node cannot write to a pipe of
# Linux there. The program ends with this script, also when that is killed.
output=$(mktemp -d)
setpriv --pdeathsig KILL wine "$@" </dev/null >"$output/out" 2>"$output/err"
code=$?
cat "$output/out"
cat "$output/err" >&2
rm -r "$output"
exit "$code"
