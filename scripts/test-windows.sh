#!/usr/bin/env bash
# Builds pipeactor for Windows with mingw-w64 and runs its tests under Wine. Installs both where
# they are missing (Debian's packages); builds CAF and gets a node.exe (npm's) once, into the
# user's cache. The executables are left in build-mingw/bin. PIPEACTOR_JOBS bounds the compilers
# at work (default: one per core). What Wine cannot prove: docs/SUPPORTED_PLATFORMS.md. The last
# line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/lib/stages.sh

scripts/setup.sh --windows

# A Wine of our own, of this run only: what another one has set up does not show here.
work=$(mktemp -d)
export WINEPREFIX=$work/wine
# Also what a program that is killed at its time limit leaves behind.
export TMPDIR=$work
# No Mono, no browser, no menu entries: nothing here needs them, and Wine asks for them.
export WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe="
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
wineserver=$(command -v wineserver64 || echo /usr/lib/wine/wineserver64)
clean_up() {
  "$wineserver" -k || true
  rm -rf "$work"
}
trap clean_up EXIT

start_wine() {
  mkdir -p "$WINEPREFIX"
  "$wineserver" --foreground --persistent >"$work/wineserver.log" 2>&1 &
  server=$!
  # Node wants Windows 8.1 or later, and Wine's default is an older one.
  { scripts/wine.sh wineboot --init && scripts/wine.sh winecfg -v win10; } >"$work/wine.log" \
    || { cat "$work/wine.log"; return 1; }
  # Wine's services end with the last program, and start with the next, which takes seconds: they
  # stay as long as this one waits for its input.
  mkfifo "$work/input"
  "$wine" cmd <"$work/input" >"$work/cmd.log" 2>&1 &
  exec 8>"$work/input"
}

# Where Wine's server crashes, every program ends with 0, as if its tests had passed.
check_wine() {
  kill -0 "$server" || { cat "$work/wineserver.log"; return 1; }
}

# The far end of tests across systems.
build_for_linux() {
  configure release && cmake --build --preset release --parallel "$jobs" --target remote_connection
}

build_and_test_mingw() {
  local caf headers node
  caf=$(scripts/build-caf-windows.sh) || return 1
  headers=$(scripts/windows-headers.sh) || return 1
  node=$(scripts/windows-node.sh) || return 1
  configure mingw "-DCAF_ROOT=$caf" "-DCMAKE_PREFIX_PATH=$headers" \
    "-DCMAKE_CROSSCOMPILING_EMULATOR=$PWD/scripts/wine.sh" \
    "-DPIPEACTOR_WINDOWS_NODE=$node" "-DPIPEACTOR_LINUX_PROGRAMS=$PWD/build/bin" || return 1
  cmake --build --preset mingw --parallel "$jobs" || return 1
  run_tests mingw -LE '^(long|tree)$'
}

stage wine start_wine
stage linux build_for_linux
stage mingw build_and_test_mingw
stage "wine's server" check_wine

summary
