#!/usr/bin/env bash
# Runs a Windows program under Wine: wine.sh PROGRAM.exe ARGUMENT... Uses $WINEPREFIX (see
# test-windows.sh). Wine waits for every process that still has its standard output; a file in
# between lets it end, and programs see no terminal.
set -euo pipefail

wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
export WINEDEBUG=${WINEDEBUG:--all}
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
"$wine" "$@" >"$output" 2>&1 </dev/null || status=$?
cat "$output"
exit "$status"
