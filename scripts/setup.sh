#!/usr/bin/env bash
# Installs what a bare Debian 12 lacks: setup.sh [--demo] [--windows] [--benchmark]
#   (none)        to build pipeactor, and for test.sh, test-full.sh, soak.sh and demo.sh
#   --demo        for demo.sh only
#   --windows     also for test-windows.sh
#   --benchmark   also for benchmark.sh
# Asks apt only for what is missing; if nothing is, changes nothing.
set -euo pipefail

tests=true
windows=false
benchmark=false
for argument in "$@"; do
  case $argument in
  --demo) tests=false ;;
  --windows) windows=true ;;
  --benchmark) benchmark=true ;;
  *)
    echo "usage: scripts/setup.sh [--demo] [--windows] [--benchmark]" >&2
    exit 2
    ;;
  esac
done

missing=()

has_command() { command -v "$1" >/dev/null 2>&1; }

has_package() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# need_command COMMAND PACKAGE: a program, wherever it comes from.
need_command() { has_command "$1" || missing+=("$2"); }

# need_packages PACKAGE...: headers, libraries and files, which only Debian's packages tell of.
need_packages() {
  has_command dpkg-query || return 0
  local package
  for package in "$@"; do
    has_package "$package" || missing+=("$package")
  done
}

# -- to build, and for the demo
need_command g++ g++
need_command cmake cmake
need_command ninja ninja-build
need_command pkg-config pkg-config
need_command ccache ccache
need_packages libcaf-dev liburing-dev libspdlog-dev libfmt-dev libcli11-dev catch2 \
  libsqlite3-dev nlohmann-json3-dev
need_command python3 python3
need_command socat socat
# Another package's nc does not know Unix sockets.
need_packages netcat-openbsd

# -- to test: the second compiler, the lint test, foreign clients, pipebench with its peers
if $tests; then
  need_command clang++ clang
  need_command clang-format-14 clang-format-14
  need_command curl curl
  need_command git git
  need_command mosquitto_pub mosquitto-clients
  need_command node nodejs
  need_command valgrind valgrind
  need_packages libuv1-dev libasio-dev libnng-dev libzmq3-dev
fi

# -- to build for Windows, and to run what was built
if $windows; then
  need_command x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix
  [[ -x /usr/lib/wine/wine64 ]] || need_command wine64 wine64
  need_command npm npm
  need_packages libasio-dev
fi

# -- to measure: system calls, plots
if $benchmark; then
  need_command git git
  need_command perf linux-perf
  need_packages libuv1-dev libasio-dev libnng-dev libzmq3-dev python3-matplotlib
fi

if ((${#missing[@]} == 0)); then
  echo "setup: nothing is missing"
else
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  echo "setup: missing: ${missing[*]}"
  if ! has_command apt-get; then
    echo "setup: there is no apt-get: install these (Debian's names) yourself, then try again" >&2
    exit 1
  fi
  as_root=()
  if ((EUID != 0)); then
    if ! has_command sudo; then
      echo "setup: neither root nor sudo: run 'apt-get install ${missing[*]}' as root" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "setup: installing them with apt-get"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
  echo "setup: installed, $SECONDS s"
fi

# A cmake from elsewhere may be first on PATH, and too old.
cmake -P "$(dirname "$0")/lib/cmake_version.cmake"
