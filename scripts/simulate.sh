#!/usr/bin/env bash
# Runs fresh seeds in the simulated world (docs/testing.md): simulate.sh [SECONDS] (default 3600). The
# commit decides which, so that no two commits run the same ones. Uses every core; fails if a seed
# fails or, in ten minutes or more, if a mark of the library was never passed. Builds the release
# preset's `simulate` first.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-3600}
if (($# > 1)) || [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: scripts/simulate.sh [SECONDS]" >&2
  exit 2
fi

jobs=${PIPEACTOR_JOBS:-$(nproc)}
[[ -f build/CMakeCache.txt ]] || cmake --preset release >/dev/null
cmake --build --preset release --target simulate --parallel "$jobs" >/dev/null

# Ten hexadecimal digits, with room for the seeds of one run.
commit=$(git rev-parse HEAD 2>/dev/null || date +%s%N | sha1sum)
base=$((16#${commit:0:10} << 20))

options=(--seconds "$seconds")
if ((seconds >= 600)); then
  options+=(--marks)
fi

status=0
pids=()
for ((i = 0; i < jobs; ++i)); do
  build/bin/simulate --from $((base + i * 500000000)) "${options[@]}" &
  pids+=($!)
done
for pid in "${pids[@]}"; do
  wait "$pid" || status=1
done
exit "$status"
