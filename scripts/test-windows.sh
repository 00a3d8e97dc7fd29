#!/usr/bin/env bash
# Builds pipeactor for Windows with mingw-w64 and runs its tests under Wine. Installs both if they
# are missing (Debian's packages); builds CAF and gets a node.exe (npm's) once, into the user's
# cache. The programs are left in build-mingw/bin. PIPEACTOR_JOBS limits how many compilers run
# at once (default: one per core). What Wine cannot prove: docs/SUPPORTED_PLATFORMS.md. The last
# line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# > 0)); then
  echo "usage: scripts/test-windows.sh" >&2
  exit 2
fi

# Wine must map a page at 0x7ffe0000. Linux starts the heap of Wine's loader, which is at
# 0x7d000000, at a random address in the next gibibyte, so one start in some thousands fails
# ("failed to map the shared user data"). Without random addresses none does.
no_random_addresses=16#40000
if ((!(16#$(</proc/self/personality) & no_random_addresses))) && setarch -R true 2>/dev/null; then
  exec setarch -R scripts/test-windows.sh
fi

source scripts/lib/stages.sh

scripts/setup.sh --windows

# A Wine of this run only: settings of another one do not count here.
work=$(mktemp -d)
export WINEPREFIX=$work/wine
# Programs that are killed at their time limit leave files behind: they go with the rest.
export TMPDIR=$work
# No Mono, no browser, no menu entries: nothing here needs them, and Wine would ask for them.
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
  # Node needs Windows 8.1 or later. Wine's default is older.
  { scripts/wine.sh wineboot --init && scripts/wine.sh winecfg -v win10; } >"$work/wine.log" \
    || { cat "$work/wine.log"; return 1; }
  # Wine's services end with the last program and start again with the next, which takes seconds.
  # This program waits for input, so that they stay.
  mkfifo "$work/input"
  "$wine" cmd <"$work/input" >"$work/cmd.log" 2>&1 &
  exec 8>"$work/input"
}

# If Wine's server crashes, every program ends with 0, as if its tests had passed.
check_wine() {
  kill -0 "$server" || { cat "$work/wineserver.log"; return 1; }
}

# Tests across systems talk to this one.
build_for_linux() { configure release && build release --target remote_connection; }

build_and_test_mingw() {
  local caf headers node
  caf=$(scripts/build-caf.sh windows) || return 1
  headers=$(scripts/windows-headers.sh) || return 1
  node=$(scripts/windows-node.sh) || return 1
  configure mingw "-DCAF_ROOT=$caf" "-DCMAKE_PREFIX_PATH=$headers" \
    "-DCMAKE_CROSSCOMPILING_EMULATOR=$PWD/scripts/wine.sh" \
    "-DPIPEACTOR_WINDOWS_NODE=$node" "-DPIPEACTOR_LINUX_PROGRAMS=$PWD/build/bin" || return 1
  build mingw && run_tests mingw
}

stage wine start_wine
stage linux build_for_linux
stage mingw build_and_test_mingw
stage "wine's server" check_wine

summary
