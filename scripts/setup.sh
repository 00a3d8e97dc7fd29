#!/usr/bin/env bash
# Installs what a bare Debian 12 lacks to build, test and demonstrate pipeactor; with
# --windows also what test-windows.sh needs, with --benchmark what benchmark.sh needs. Asks apt
# only for what is missing; with nothing missing it touches nothing.
set -euo pipefail

windows=false
benchmark=false
[[ "${1:-}" == --windows ]] && windows=true
[[ "${1:-}" == --benchmark ]] && benchmark=true

missing=()

has_command() { command -v "$1" >/dev/null 2>&1; }

has_package() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# need_command COMMAND PACKAGE: a program, wherever it came from.
need_command() { has_command "$1" || missing+=("$2"); }

# need_package PACKAGE: headers and libraries, which only the package tells.
need_package() { has_package "$1" || missing+=("$1"); }

# -- to build
need_command g++ g++
need_command cmake cmake
need_command ninja ninja-build
need_command pkg-config pkg-config
need_command ccache ccache
need_command git git

if has_command dpkg-query; then
  need_package libcaf-dev
  need_package liburing-dev
  need_package libspdlog-dev
  need_package libfmt-dev
  need_package libcli11-dev
  need_package catch2
fi

# -- to compare with: pipebench and its peers, which the tests run, too
if has_command dpkg-query; then
  need_package nlohmann-json3-dev
  need_package libuv1-dev
  need_package libasio-dev
  need_package libnng-dev
  need_package libzmq3-dev
fi

# -- to test: the second compiler, the lint test, foreign clients
need_command clang++ clang
need_command clang-format-14 clang-format-14
need_command python3 python3
need_command socat socat
need_command nc netcat-openbsd
need_command curl curl
need_command node nodejs
need_command valgrind valgrind

# -- to build for Windows, and to run what was built
if $windows; then
  need_command x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix
  [[ -x /usr/lib/wine/wine64 ]] || need_command wine64 wine64
  need_package libasio-dev
  need_command npm npm
fi

# -- to measure: system calls, plots
if $benchmark; then
  need_command perf linux-perf
  need_package python3-matplotlib
fi

if ((${#missing[@]} == 0)); then
  echo "setup: nothing is missing"
else
  echo "setup: missing: ${missing[*]}"
  if ! has_command apt-get; then
    echo "setup: no apt-get here: install these (Debian's names), then try again" >&2
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
  echo "setup: installing with apt-get"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
if [[ "$(printf '%s\n' 3.25 "$version" | sort -V | head -n1)" != 3.25 ]]; then
  echo "setup: cmake $version on PATH is too old: 3.25 is needed" >&2
  exit 1
fi
