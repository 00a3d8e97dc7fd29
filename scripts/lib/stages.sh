# shellcheck shell=bash
# Sourced by the scripts that test, from the root of the tree: stages that are built, tested,
# timed and counted.

jobs=${PIPEACTOR_JOBS:-$(nproc)}
passed=0
failed=0
skipped=0
# What a run without a single test is: an error, but for test-full.sh.
no_tests=error
failed_stages=()

# The same as in tests/CMakeLists.txt, for test programs that the build itself runs.
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1"
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp:second_deadlock_stack=1"

# Kernels with many random mmap bits are too much for g++ 12's ThreadSanitizer: run its
# programs without address randomisation where that is allowed.
plain_addresses=()
if setarch -R true 2>/dev/null; then
  plain_addresses=(setarch -R)
fi

# stage NAME COMMAND...: runs a command as a stage; a failure is counted, not fatal.
stage() {
  local name=$1 begin=$SECONDS result=ok
  shift
  echo "== $name"
  # `||` turns `set -e` off inside: the functions below return what failed.
  "$@" || result=failed
  if [[ $result == failed ]]; then
    failed_stages+=("$name")
  fi
  echo "== $name: $result, $((SECONDS - begin)) s"
}

configure() {
  local preset=$1 caf
  shift
  if [[ $preset == tsan ]]; then
    caf=$(scripts/build-caf.sh) || return 1
    set -- "-DCAF_ROOT=$caf" "$@"
  fi
  # Sanitizers make g++ 12 warn of what is not there: warnings are errors without them.
  local werror=ON
  [[ $preset == asan || $preset == tsan ]] && werror=OFF
  cmake --preset "$preset" "-DPIPEACTOR_WERROR=$werror" "$@"
}

# build_only PRESET [CMAKE OPTION...]
build_only() {
  local preset=$1
  shift
  configure "$preset" "$@" && cmake --build --preset "$preset" --parallel "$jobs"
}

# build_and_test PRESET TARGET [CTEST OPTION...]
build_and_test() {
  local preset=$1 target=$2 wrap=()
  shift 2
  [[ $preset == tsan ]] && wrap=("${plain_addresses[@]}")
  configure "$preset" || return 1
  "${wrap[@]}" cmake --build --preset "$preset" --parallel "$jobs" --target "$target" || return 1
  run_tests "$preset" "$@"
}

build_dir() {
  if [[ $1 == release ]]; then echo build; else echo "build-$1"; fi
}

# run_tests PRESET [CTEST OPTION...]: runs tests that are built, and counts them.
run_tests() {
  local preset=$1 dir report wrap=() status=0
  shift
  [[ $preset == tsan ]] && wrap=("${plain_addresses[@]}")
  dir=$(build_dir "$preset")
  report=$PWD/$dir/ctest-report.xml
  rm -f "$report"
  "${wrap[@]}" ctest --test-dir "$dir" -j 2 --output-on-failure --no-tests="$no_tests" \
    --output-junit "$report" "$@" || status=$?
  [[ -f $report ]] || return 1
  local tests failures skips disabled
  tests=$(count tests "$report")
  failures=$(count failures "$report")
  skips=$(count skipped "$report")
  disabled=$(count disabled "$report")
  passed=$((passed + tests - failures - skips - disabled))
  failed=$((failed + failures))
  skipped=$((skipped + skips + disabled))
  return "$status"
}

# run_script SCRIPT...: runs another script that ends with a summary, and counts its tests too.
run_script() {
  local output status=0
  output=$(mktemp)
  "$@" | tee "$output" || status=$?
  local number='s/(.* )?([0-9]+) '
  passed=$((passed + $(sed -nE "\$ ${number}passed,.*/\2/p" "$output") + 0))
  failed=$((failed + $(sed -nE "\$ ${number}failed\$/\2/p" "$output") + 0))
  skipped=$((skipped + $(tail -n3 "$output" | sed -nE "${number}skipped\$/\2/p") + 0))
  rm -f "$output"
  return "$status"
}

# count ATTRIBUTE REPORT: a number of the report's <testsuite> element.
count() {
  sed -n "/<testsuite/,/>/s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n1
}

# summary: the closing lines; exits with 1 where anything failed.
summary() {
  echo "total: $SECONDS s"
  if ((skipped > 0)); then
    echo "$skipped skipped"
  fi
  # A stage that did not even build has no failed test, but fails all the same.
  if ((${#failed_stages[@]} > 0)); then
    echo "failed stages: ${failed_stages[*]}"
    if ((failed == 0)); then
      failed=${#failed_stages[@]}
    fi
  fi
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
