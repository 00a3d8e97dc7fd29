#!/usr/bin/env bash
# All of test.sh, then the unit tests under ThreadSanitizer, the long runs (tests labelled
# `long`) in the release and both sanitizer builds, and an hour of soak.sh. Takes hours rather
# than minutes; not part of CI.
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/lib/stages.sh
# ctest says so where no test is labelled `long`.
no_tests=ignore

stage test.sh run_script scripts/test.sh
stage "tsan, unit" build_and_test tsan core_tests -L '^unit$'
stage "release, long" build_and_test release all -L '^long$'
stage "asan, long" build_and_test asan all -L '^long$'
stage "tsan, long" build_and_test tsan all -L '^long$'
stage soak scripts/soak.sh

summary
