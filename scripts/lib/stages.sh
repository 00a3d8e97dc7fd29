# shellcheck shell=bash
# Sourced by the scripts that test, from the root of the tree: a script is made of stages, which
# are timed, and whose tests are counted.

jobs=${PIPEACTOR_JOBS:-$(nproc)}
passed=0
failed=0
skipped=0
failed_stages=()
failed_tests=()

# stage NAME COMMAND...: runs a command as a stage. If it fails, the script goes on, and fails at
# its end.
stage() {
  local name=$1 begin=$SECONDS result=ok
  shift
  echo "== $name"
  # `||` turns `set -e` off inside the command: each function says itself when to stop.
  "$@" || result=failed
  if [[ $result == failed ]]; then
    failed_stages+=("$name")
  fi
  echo "== $name: $result, $((SECONDS - begin)) s"
}

# -- what stages are made of ----------------------------------------------------------------

# configure PRESET [CMAKE OPTION...]
configure() {
  local preset=$1 caf werror=ON
  shift
  if [[ $preset == tsan ]]; then
    caf=$(scripts/build-caf.sh tsan) || return 1
    set -- "-DCAF_ROOT=$caf" "$@"
  fi
  # With sanitizers g++ 12 warns of faults that are not there.
  [[ $preset == asan || $preset == tsan ]] && werror=OFF
  cmake --preset "$preset" "-DPIPEACTOR_WERROR=$werror" "$@"
}

# build PRESET [OPTION OF `cmake --build`...]
build() {
  local preset=$1
  shift
  plain_addresses "$preset" cmake --build --preset "$preset" --parallel "$jobs" "$@"
}

# run_tests TEST_PRESET [CTEST OPTION...]: runs tests that are built, and counts them.
run_tests() {
  local preset=$1 report status=0
  shift
  report=$(mktemp)
  plain_addresses "$preset" ctest --preset "$preset" --output-junit "$report" "$@" || status=$?
  # ctest writes no report if it finds no tests.
  if [[ -s $report ]]; then
    python3 scripts/lib/count_tests.py "$report" | sed "2,\$s/^/$preset: /" >"$report.counts" \
      && add_counts "$report.counts" || status=1
  fi
  rm -f "$report" "$report.counts"
  return "$status"
}

# run_script SCRIPT...: runs another script that ends with a summary, and counts its tests too.
run_script() {
  local results status=0
  results=$(mktemp)
  PIPEACTOR_RESULTS=$results "$@" || status=$?
  # A script that fails early has counted nothing.
  if [[ -s $results ]]; then
    add_counts "$results"
  fi
  rm -f "$results"
  return "$status"
}

# add_counts FILE: adds the numbers in its first line (passed, failed, skipped), and the failed tests
# that follow, a line each.
add_counts() {
  local counts names
  { read -ra counts && mapfile -t names; } <"$1"
  ((passed += counts[0], failed += counts[1], skipped += counts[2], 1))
  failed_tests+=("${names[@]}")
}

# plain_addresses PRESET COMMAND...: runs a command; for ThreadSanitizer without randomised
# addresses, if that is allowed: g++ 12's programs do not start on kernels that randomise many
# bits of them.
plain_addresses() {
  local preset=$1
  shift
  if [[ $preset == tsan* ]] && setarch -R true 2>/dev/null; then
    setarch -R "$@"
  else
    "$@"
  fi
}

# -- the end --------------------------------------------------------------------------------

# summary: prints the closing lines, and writes the counts and the failed tests to the file
# $PIPEACTOR_RESULTS if that is set (see run_script). Its status is 1 if anything failed.
summary() {
  # A stage that did not even build has no failed test, but it is a failure.
  if ((${#failed_stages[@]} > 0 && failed == 0)); then
    failed=${#failed_stages[@]}
  fi
  if [[ -n ${PIPEACTOR_RESULTS:-} ]]; then
    printf '%s\n' "$passed $failed $skipped" "${failed_tests[@]}" >"$PIPEACTOR_RESULTS"
  fi
  echo "total: $SECONDS s"
  if ((skipped > 0)); then
    echo "$skipped skipped"
  fi
  if ((${#failed_tests[@]} > 0)); then
    printf 'failed: %s\n' "${failed_tests[@]}"
  fi
  if ((${#failed_stages[@]} > 0)); then
    echo "failed stages: ${failed_stages[*]}"
  fi
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
