#!/usr/bin/env bash
# All of test.sh, then the unit tests under ThreadSanitizer, the long tests in the release and
# both sanitizer builds, 200 rounds of the unit and contract tests, and again beside a load on every
# core, two hours of fresh seeds in the simulated world, an hour of each fuzz target, planted
# mistakes, hours of chaos, and an hour of soak.sh. Takes a day; not part of CI. The last line is "N passed, N failed".
#   PIPEACTOR_ROUNDS   rounds of the unit and contract tests (200)
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# > 0)); then
  echo "usage: scripts/test-full.sh" >&2
  exit 2
fi

source scripts/lib/stages.sh

test_units_tsan() { build tsan --target unit_tests hub_tests && run_tests tsan -L '^unit$'; }
# test_long PRESET: test.sh has configured it.
test_long() { build "$1" && run_tests "$1-long"; }

# Each suite in one process, in another order each time; a round that fails prints its order's seed.
test_rounds() {
  local round suite log=build/round.log
  for ((round = 1; round <= ${PIPEACTOR_ROUNDS:-200}; ++round)); do
    for suite in unit contract; do
      "build/bin/${suite}_tests" --order rand --rng-seed "$round" '~[long]' >"$log" 2>&1 \
        || { cat "$log"; return 1; }
    done
  done
}

# An hour on each port.
test_chaos() {
  local port
  for port in io_uring epoll; do
    PIPEACTOR_CHAOS_SECONDS=3600 python3 tests/stress/chaos_test.py build/bin "$port" || return 1
  done
}

# The same while two endless loops for each core want it, too.
test_rounds_under_load() {
  local loops=() status=0
  for ((i = 0; i < 2 * jobs; ++i)); do
    (while :; do :; done) &
    loops+=($!)
  done
  test_rounds || status=$?
  kill "${loops[@]}"
  wait "${loops[@]}" 2>/dev/null || true
  return "$status"
}

stage test.sh run_script scripts/test.sh
stage "tsan, unit" test_units_tsan
stage "release, long" test_long release
stage "asan, long" test_long asan
stage "tsan, long" test_long tsan
stage "release, rounds" test_rounds
stage "release, rounds under load" test_rounds_under_load
stage simulation scripts/simulate.sh 7200
stage fuzz scripts/fuzz.sh 3600
stage "planted mistakes" python3 tests/mistakes/mistakes.py
stage "planted mistakes, simulation" python3 tests/simulation/mistakes.py
stage chaos test_chaos
stage soak scripts/soak.sh

summary
