#!/usr/bin/env bash
# Makes a prefix with the libraries that pipeactor needs on Windows besides CAF, and prints
# it: for the `mingw` preset. Debian's compiled libraries are Linux's, but spdlog, fmt, CLI11,
# Catch2 and (for a test) Asio are all there as headers too. Their folders are linked one by one:
# /usr/include itself, with Linux's C library, must stay out of a Windows compiler's sight.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipeactor
prefix=$cache/windows-headers

# package NAME HEADER MACRO TARGET DEFINITIONS: writes a CMake package whose version is what the
# header's macros MACRO_MAJOR, _MINOR and _PATCH say.
package() {
  local name=$1 header=$2 macro=$3 target=$4 definitions=$5 version
  local folder=$prefix/lib/cmake/$name
  version=$(sed -nE "s/^#define ${macro}_(MAJOR|MINOR|PATCH) ([0-9]+)\$/\2/p" \
    "/usr/include/$header" | paste -sd .)
  mkdir -p "$folder"
  cat >"$folder/${name}Config.cmake" <<CMAKE
if(NOT TARGET $target)
  add_library($target INTERFACE IMPORTED)
  set_target_properties($target PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "$prefix/include"
                        INTERFACE_COMPILE_DEFINITIONS "$definitions")
endif()
CMAKE
  cat >"$folder/${name}ConfigVersion.cmake" <<CMAKE
set(PACKAGE_VERSION "$version")
if(NOT PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
CMAKE
}

mkdir -p "$prefix/include"
for folder in spdlog fmt CLI catch2 asio; do
  if [[ ! -d /usr/include/$folder ]]; then
    echo "windows-headers: /usr/include/$folder is missing: run scripts/setup.sh" >&2
    exit 1
  fi
  ln -sfn "/usr/include/$folder" "$prefix/include/$folder"
done
ln -sfn /usr/include/asio.hpp "$prefix/include/asio.hpp"
package spdlog spdlog/version.h SPDLOG_VER spdlog::spdlog \
  'SPDLOG_HEADER_ONLY;SPDLOG_FMT_EXTERNAL;FMT_HEADER_ONLY'
package CLI11 CLI/Version.hpp CLI11_VERSION CLI11::CLI11 ''
package Catch2 catch2/catch.hpp CATCH_VERSION Catch2::Catch2 ''
# include(Catch): the script that makes every case a test.
for script in Catch CatchAddTests; do
  ln -sfn "/usr/lib/cmake/Catch2/$script.cmake" "$prefix/lib/cmake/Catch2/$script.cmake"
done
echo 'list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")' \
  >>"$prefix/lib/cmake/Catch2/Catch2Config.cmake"
echo "$prefix"
