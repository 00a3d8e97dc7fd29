#!/usr/bin/env bash
# Builds CAF's core and io libraries from Debian's sources, static, and prints the prefix that
# they are installed in:
#   build-caf.sh tsan      with ThreadSanitizer, for the `tsan` preset: in a CAF that is not
#                          instrumented it reports races that do not exist
#   build-caf.sh windows   for Windows by mingw-w64, for the `mingw` preset
# The result is kept in the user's cache, so each is built only once.
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/lib/cache.sh

version=0.17.6
tarball=actor-framework_$version.orig.tar.gz
checksum=e2bf5bd243f08bb7d8adde197cfe3e6d71314ed3378fe0692f8932f4c3b3928c

case "$#:${1:-}" in
1:tsan)
  compiler=${CXX:-c++}
  flags="-fsanitize=thread -O1 -g1 -fno-omit-frame-pointer"
  options=(-DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g1
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=12)
  ;;
1:windows)
  compiler=x86_64-w64-mingw32-g++-posix
  export CMAKE_TOOLCHAIN_FILE=$PWD/libpipeactor/cmake/mingw.cmake
  # CAF 0.17 does not include <limits>, and does not compile with windows.h's macros and its
  # winsock.h. CAF's logger is thread_local: mingw-w64 frees a thread's variables before it calls
  # their destructors, and then an actor system hangs at its end.
  flags="-include limits -DNOMINMAX -DWIN32_LEAN_AND_MEAN -DCAF_NO_THREAD_LOCAL"
  options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG"
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=12)
  ;;
*)
  echo "usage: scripts/build-caf.sh tsan|windows" >&2
  exit 2
  ;;
esac
options+=(-DCMAKE_CXX_FLAGS="-std=c++17 -w $flags" -DCAF_BUILD_STATIC_ONLY=ON
  -DCAF_NO_OPENSSL=ON -DCAF_NO_OPENCL=ON -DCAF_NO_PYTHON=ON -DCAF_NO_TOOLS=ON
  -DCAF_NO_EXAMPLES=ON -DCAF_NO_UNIT_TESTS=ON -DCAF_NO_SUMMARY=ON -DCAF_NO_COMPILER_CHECK=ON)

key=$(
  { echo "${options[*]}" && "$compiler" --version && "$compiler" -dumpmachine; } \
    | sha256sum | cut -c1-12
)
prefix=${XDG_CACHE_HOME:-$HOME/.cache}/pipeactor/caf-$version-$1-$key

# fetch DIRECTORY: puts Debian's tarball of CAF there, from the mirror that apt uses. Root is not
# needed, and the system's own lists stay as they are. apt is asked for the index of sources that
# belongs to each of its `deb` lines, so no `deb-src` line is needed.
fetch() {
  mkdir -p "$1"/lists/partial "$1"/cache/archives/partial
  cat >"$1/apt.conf" <<CONF
Dir::State::lists "$1/lists";
Dir::Cache "$1/cache";
APT::Sandbox::User "";
Acquire::Retries "3";
Acquire::IndexTargets::deb {
  Sources {
    MetaKey "\$(COMPONENT)/source/Sources";
    ShortDescription "Sources";
    Description "\$(RELEASE)/\$(COMPONENT) Sources";
  };
  Packages::DefaultEnabled "false";
  Translations::DefaultEnabled "false";
};
CONF
  (
    cd "$1"
    apt-get -qq -c apt.conf update
    if ! apt-get -qq -c apt.conf source --download-only --tar-only actor-framework; then
      # Without an index apt asks for deb-src lines, which are not needed.
      echo "build-caf: apt did not fetch actor-framework: is Debian's archive among its sources," \
        "and the network up?" >&2
      exit 1
    fi
    echo "$checksum  $tarball" | sha256sum --check --quiet
  )
}

build() {
  local work=$1 launcher=()
  echo "build-caf: fetching the sources of CAF $version"
  fetch "$work/fetched"
  mkdir "$work/source"
  tar -xf "$work/fetched/$tarball" -C "$work/source" --strip-components=1
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  echo "build-caf: building it"
  cmake -S "$work/source" -B "$work/build" -G Ninja -Wno-dev -DCMAKE_WARN_DEPRECATED=OFF \
    -DCMAKE_POLICY_VERSION_MINIMUM=3.5 --no-warn-unused-cli -DCMAKE_INSTALL_LIBDIR=lib \
    "${launcher[@]}" "${options[@]}" >/dev/null
  cmake --build "$work/build" --parallel "${PIPEACTOR_JOBS:-$(nproc)}"
  cmake --install "$work/build" --prefix "$work/prefix" >/dev/null
}

in_cache "$prefix" build
echo "$prefix"
