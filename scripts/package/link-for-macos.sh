#!/bin/sh
# Calls the linker that $LINKER_OF_LLVM names. napi-build means its arguments for a compiler that calls one: the first
# of them is not known to a linker.
for argument do
  shift
  [ "$argument" = -Wl ] || set -- "$@" "$argument"
done
exec "$LINKER_OF_LLVM" "$@"
