#!/usr/bin/env bash
# Builds CAF's core and io libraries from Debian's sources with ThreadSanitizer, and prints the
# prefix that it is installed in: for the `tsan` preset, which sees false races where
# CAF is not instrumented. Once only: the result is kept in the user's cache.
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/lib/cache.sh
source scripts/lib/caf_sources.sh

flags="-std=c++17 -fsanitize=thread -O1 -g1 -fno-omit-frame-pointer -w"
options=(-DCAF_BUILD_STATIC_ONLY=ON -DCAF_NO_OPENSSL=ON -DCAF_NO_OPENCL=ON
  -DCAF_NO_PYTHON=ON -DCAF_NO_TOOLS=ON -DCAF_NO_EXAMPLES=ON -DCAF_NO_UNIT_TESTS=ON
  -DCAF_NO_SUMMARY=ON -DCAF_NO_COMPILER_CHECK=ON
  -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=12)
compiler=${CXX:-c++}
jobs=${PIPEACTOR_JOBS:-$(nproc)}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipeactor
key=$(
  { echo "$flags ${options[*]}" && $compiler --version && $compiler -dumpmachine; } \
    | sha256sum | cut -c1-12
)
prefix=$cache/caf-$caf_version-tsan-$key

build() {
  local work=$1 launcher=()
  echo "build-caf: fetching the sources of CAF $caf_version"
  unpack_caf "$work"
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  echo "build-caf: building it"
  cmake -S "$work/source" -B "$work/build" -G Ninja -Wno-dev -DCMAKE_WARN_DEPRECATED=OFF \
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5 --no-warn-unused-cli -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_FLAGS_DEBUG=-g1 \
    -DCMAKE_INSTALL_LIBDIR=lib "${launcher[@]}" "${options[@]}" >/dev/null
  cmake --build "$work/build" --parallel "$jobs"
  cmake --install "$work/build" --prefix "$work/prefix" >/dev/null
}

in_cache "$prefix" build
echo "$prefix"
