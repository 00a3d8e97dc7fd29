#!/usr/bin/env bash
# Runs a Windows program under Wine: wine.sh PROGRAM.exe ARGUMENT... Uses $WINEPREFIX (see
# test-windows.sh). Wine waits for every process that still has its standard output; a file in
# between lets it end, and programs see no terminal. What they print has lines as they are here.
# Wine's own errors are shown, and how a program has failed: one may end without a word.
set -euo pipefail

wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
export WINEDEBUG=${WINEDEBUG:-err+all,fixme-all}
output=$(mktemp)
trap 'rm -f "$output"' EXIT
"$wine" "$@" >"$output" 2>&1 </dev/null &
program=$!
# While it runs: what one that hangs has printed shows where.
tail -n +1 -f -s 0.05 --pid="$program" "$output" | sed -u 's/\r$//'
status=0
wait "$program" || status=$?
if ((status != 0)); then
  echo "wine.sh: ${1##*[/\\]} ended with $status" >&2
fi
exit "$status"
