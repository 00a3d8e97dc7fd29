#!/usr/bin/env bash
# Runs a Windows program under Wine: wine.sh PROGRAM.exe ARGUMENT... Uses $WINEPREFIX (see
# test-windows.sh). Wine waits for every process that still has its standard output; a file in
# between lets it end, and programs see no terminal. What they print has lines as they are here.
set -euo pipefail

wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
export WINEDEBUG=${WINEDEBUG:--all}
output=$(mktemp)
trap 'rm -f "$output"' EXIT
"$wine" "$@" >"$output" 2>&1 </dev/null &
program=$!
# While it runs: what one that hangs has printed shows where.
tail -n +1 -f -s 0.05 --pid="$program" "$output" | sed -u 's/\r$//'
wait "$program"
