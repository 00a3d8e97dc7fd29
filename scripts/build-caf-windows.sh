#!/usr/bin/env bash
# Builds CAF's core and io libraries from Debian's sources for Windows, static, with
# mingw-w64, and prints the prefix that they are installed in: for the `mingw` preset. Once
# only: the result is kept in the user's cache. Needs g++-mingw-w64-x86-64-posix.
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/lib/cache.sh
source scripts/lib/caf_sources.sh

compiler=x86_64-w64-mingw32-g++-posix
# CAF 0.17 forgets <limits>, and windows.h has macros and a winsock.h that CAF can't stand. Its
# thread_local logger: mingw-w64 frees a thread's variables before it calls their destructors, so
# that the end of an actor system waits for ever for one that was not called.
flags="-std=c++17 -include limits -DNOMINMAX -DWIN32_LEAN_AND_MEAN -DCAF_NO_THREAD_LOCAL -w"
options=(-DCAF_BUILD_STATIC_ONLY=ON -DCAF_NO_OPENSSL=ON -DCAF_NO_OPENCL=ON
  -DCAF_NO_PYTHON=ON -DCAF_NO_TOOLS=ON -DCAF_NO_EXAMPLES=ON -DCAF_NO_UNIT_TESTS=ON
  -DCAF_NO_SUMMARY=ON -DCAF_NO_COMPILER_CHECK=ON)
toolchain=libpipeactor/cmake/mingw.cmake
jobs=${PIPEACTOR_JOBS:-$(nproc)}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipeactor
key=$(
  { echo "$flags ${options[*]}" && $compiler --version; } \
    | sha256sum | cut -c1-12
)
prefix=$cache/caf-$caf_version-mingw-$key

build() {
  local work=$1 launcher=()
  echo "build-caf-windows: fetching the sources of CAF $caf_version"
  unpack_caf "$work"
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  echo "build-caf-windows: building it"
  cmake -S "$work/source" -B "$work/build" -G Ninja -Wno-dev -DCMAKE_WARN_DEPRECATED=OFF \
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5 --no-warn-unused-cli \
    -DCMAKE_TOOLCHAIN_FILE="$PWD/$toolchain" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" \
    -DCMAKE_INSTALL_LIBDIR=lib "${launcher[@]}" "${options[@]}" >/dev/null
  cmake --build "$work/build" --parallel "$jobs"
  cmake --install "$work/build" --prefix "$work/prefix" >/dev/null
}

in_cache "$prefix" build
echo "$prefix"
