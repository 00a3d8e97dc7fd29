#!/usr/bin/env bash
# Runs a Windows program under Wine: wine.sh PROGRAM.exe ARGUMENT... Uses $WINEPREFIX (see
# test-windows.sh). Wine waits for every process that still has its standard output; a file in
# between lets it end, and programs see no terminal. What they print has lines as they are here.
# Wine's own errors are shown, and how a program has failed.
set -euo pipefail

wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
export WINEDEBUG=${WINEDEBUG:-err+all,fixme-all}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

run() {
  "$wine" "$@" >"$output" 2>&1 </dev/null &
  local program=$! status=0
  # While it runs: what one that hangs has printed shows where.
  tail -n +1 -f -s 0.05 --pid="$program" "$output" | sed -u 's/\r$//'
  wait "$program" || status=$?
  if ((status != 0)); then
    echo "wine.sh: ${1##*[/\\]} ended with $status" >&2
  fi
  return "$status"
}

status=0
run "$@" || status=$?
# Once in CI a run ended so, for a reason that was not found. Test programs print at once,
# unbuffered, what they are going to test: one that has begun is never started again.
if ((status != 0)) && [[ ! -s $output ]]; then
  echo "wine.sh: it ended without a word, and is started once more" >&2
  status=0
  run "$@" || status=$?
fi
exit "$status"
