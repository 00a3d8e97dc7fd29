#!/usr/bin/env bash
# Runs a Windows program under Wine: wine.sh PROGRAM.exe ARGUMENT... Uses $WINEPREFIX (see
# test-windows.sh). Wine waits for every process that still has its standard output. With a file
# in between it can end, and programs see no terminal. Prints what the program prints, with line
# ends as they are on Linux, Wine's own errors, and how the program failed.
set -euo pipefail

wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
export WINEDEBUG=${WINEDEBUG:-err+all,fixme-all}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

"$wine" "$@" >"$output" 2>&1 </dev/null &
program=$!
# Output is printed while the program runs: its last lines show where it hangs.
tail -n +1 -f -s 0.05 --pid="$program" "$output" | sed -u 's/\r$//'
status=0
wait "$program" || status=$?
if ((status != 0)); then
  echo "wine.sh: ${1##*[/\\]} ended with $status" >&2
fi
exit "$status"
