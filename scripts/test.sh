#!/usr/bin/env bash
# Builds and tests everything, stage by stage: test.sh [--quick]
#   release  all tools and tests, warnings are errors; every test but the long ones
#   asan     library, unit and contract tests under AddressSanitizer + UBSan
#   tsan     library and contract tests under ThreadSanitizer (unit tests: test-full.sh)
#   clang    library, tools and examples by clang, warnings are errors
# --quick runs the release stage only. PIPEACTOR_JOBS bounds the compilers at work
# (default: one per core). The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

quick=false
for argument in "$@"; do
  case "$argument" in
  --quick) quick=true ;;
  *)
    echo "usage: scripts/test.sh [--quick]" >&2
    exit 2
    ;;
  esac
done

source scripts/lib/stages.sh

scripts/setup.sh

stage release build_and_test release all -LE '^long$'
if ! $quick; then
  stage asan build_and_test asan core_tests -L '^(unit|contract)$'
  stage tsan build_and_test tsan contract_tests -L '^contract$'
  stage clang build_only clang -DPIPEACTOR_BUILD_TESTS=OFF
fi

summary
