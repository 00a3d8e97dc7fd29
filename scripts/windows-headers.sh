#!/usr/bin/env bash
# Makes a prefix with the libraries that pipeactor needs on Windows besides CAF, and prints it:
# for the `mingw` preset. Debian's compiled libraries are for Linux, but spdlog, fmt, CLI11, Catch2
# and (for a test) Asio can be used as headers only. Their folders are linked one by one: a
# compiler for Windows must not see /usr/include itself, with Linux's C library.
set -euo pipefail

if (($# > 0)); then
  echo "usage: scripts/windows-headers.sh" >&2
  exit 2
fi

prefix=${XDG_CACHE_HOME:-$HOME/.cache}/pipeactor/windows-headers
packages=$prefix/lib/cmake
mkdir -p "$prefix/include" "$packages/spdlog"

for header in spdlog fmt CLI catch2 asio asio.hpp; do
  if [[ ! -e /usr/include/$header ]]; then
    echo "windows-headers: /usr/include/$header is missing: run scripts/setup.sh" >&2
    exit 1
  fi
  ln -sfn "/usr/include/$header" "$prefix/include/$header"
done

# The CMake packages of header-only libraries find the headers from where they are themselves.
cp -r --remove-destination /usr/share/cmake/CLI11 /usr/lib/cmake/Catch2 "$packages"
# spdlog's wants the compiled library: only its version is taken.
cp /usr/lib/*/cmake/spdlog/spdlogConfigVersion.cmake "$packages/spdlog"
cat >"$packages/spdlog/spdlogConfig.cmake" <<CMAKE
if(NOT TARGET spdlog::spdlog)
  add_library(spdlog::spdlog INTERFACE IMPORTED)
  set_target_properties(
    spdlog::spdlog
    PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "$prefix/include"
               INTERFACE_COMPILE_DEFINITIONS "SPDLOG_HEADER_ONLY;SPDLOG_FMT_EXTERNAL;FMT_HEADER_ONLY")
endif()
CMAKE
echo "$prefix"
