#!/usr/bin/env bash
# Feeds each fuzz target (tests/fuzz) with inputs of libFuzzer's making: fuzz.sh [SECONDS] [TARGET...]
#   SECONDS   how long each target runs (default 60); one target on each core
#   TARGET    e.g. mqtt_codec; all of them if none is named
# Begins with the corpus in the tree, and with what earlier runs found (build-fuzz/corpus). A line
# each tells runs and coverage. An input that fails is kept in build-fuzz/failed: run the target with
# it to see the fault again. Builds the preset `fuzz` first.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=60
if (($# > 0)); then
  seconds=$1
  shift
fi
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: scripts/fuzz.sh [SECONDS] [TARGET...]" >&2
  exit 2
fi

jobs=${PIPEACTOR_JOBS:-$(nproc)}
[[ -f build-fuzz/CMakeCache.txt ]] || cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz --parallel "$jobs" >/dev/null

targets=("$@")
if ((${#targets[@]} == 0)); then
  for program in build-fuzz/bin/fuzz_*; do
    targets+=("${program##*/fuzz_}")
  done
fi

# run_target NAME
run_target() {
  local name=$1 log=build-fuzz/log/$1
  mkdir -p build-fuzz/{corpus/"$name",failed,log}
  # Leaks that CAF's types make for ever (tests/lsan.supp) are none.
  if LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0 \
    "build-fuzz/bin/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=4096 -print_final_stats=1 -artifact_prefix="build-fuzz/failed/$name-" \
    "build-fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
    local last
    last=$(grep -oE '^#[0-9]+\s+DONE.*' "$log")
    echo "$name: $(sed -E 's/^#([0-9]+)\s+DONE\s+cov: ([0-9]+) ft: ([0-9]+) corp: ([^ ]+).*/\1 runs, \2 edges, \3 features, corpus \4/' <<<"$last")"
  else
    echo "$name: FAILED"
    tail -n 40 "$log"
    return 1
  fi
}
export -f run_target
export seconds

printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -euo pipefail -c 'run_target {}'
