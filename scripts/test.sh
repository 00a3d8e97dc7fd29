#!/usr/bin/env bash
# Builds and tests everything, stage by stage: test.sh [--quick]
#   release  all tools and tests, warnings are errors; every test but the long ones
#   simulation  a minute of fresh seeds in the simulated world (docs/testing.md)
#   asan     library, unit and contract tests under AddressSanitizer + UBSan
#   tsan     library and contract tests under ThreadSanitizer (unit tests: test-full.sh)
#   clang    library, tools, examples and fuzz targets by clang, warnings are errors
#   fuzz     a minute of libFuzzer for each parser (docs/testing.md)
# --quick runs the first two stages only. PIPEACTOR_JOBS limits how many compilers run at once
# (default: one per core). The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

quick=false
for argument in "$@"; do
  case $argument in
  --quick) quick=true ;;
  *)
    echo "usage: scripts/test.sh [--quick]" >&2
    exit 2
    ;;
  esac
done

source scripts/lib/stages.sh

test_release() { configure release && build release && run_tests release; }
test_asan() { configure asan && build asan --target unit_tests contract_tests hub_tests && run_tests asan; }
test_tsan() { configure tsan && build tsan --target contract_tests && run_tests tsan -L '^contract$'; }
# With the sanitizers that the fuzz targets need: one build by clang serves both.
build_by_clang() { configure fuzz && build fuzz; }

scripts/setup.sh

stage release test_release
stage simulation scripts/simulate.sh 60
if ! $quick; then
  stage asan test_asan
  stage tsan test_tsan
  stage clang build_by_clang
  stage fuzz scripts/fuzz.sh 60
fi

summary
