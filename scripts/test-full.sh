#!/usr/bin/env bash
# All of test.sh, then the unit tests under ThreadSanitizer, the long tests in the release and
# both sanitizer builds, and an hour of soak.sh. Takes hours; not part of CI. The last line is
# "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# > 0)); then
  echo "usage: scripts/test-full.sh" >&2
  exit 2
fi

source scripts/lib/stages.sh

test_units_tsan() { build tsan --target unit_tests && run_tests tsan -L '^unit$'; }
# test_long PRESET: test.sh has configured it.
test_long() { build "$1" && run_tests "$1-long"; }

stage test.sh run_script scripts/test.sh
stage "tsan, unit" test_units_tsan
stage "release, long" test_long release
stage "asan, long" test_long asan
stage "tsan, long" test_long tsan
stage soak scripts/soak.sh

summary
