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
mkdir -p "$prefix/include"

# package FOLDER NAME TARGET DEFINITIONS [MORE]: writes a CMake package of a library's headers. Its
# version comes from the file that Debian's package has in FOLDER. MORE is appended to its
# configuration.
package() {
  local name=$2 target=$3 definitions=$4 more=${5:-} folder=$prefix/lib/cmake/$2
  mkdir -p "$folder"
  cp --remove-destination "$1/${name}ConfigVersion.cmake" "$folder"
  cat >"$folder/${name}Config.cmake" <<CMAKE
if(NOT TARGET $target)
  add_library($target INTERFACE IMPORTED)
  set_target_properties($target PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "$prefix/include"
                        INTERFACE_COMPILE_DEFINITIONS "$definitions")
endif()
$more
CMAKE
}

for header in spdlog fmt CLI catch2 asio asio.hpp nlohmann; do
  if [[ ! -e /usr/include/$header ]]; then
    echo "windows-headers: /usr/include/$header is missing: run scripts/setup.sh" >&2
    exit 1
  fi
  ln -sfn "/usr/include/$header" "$prefix/include/$header"
done
package /usr/lib/*/cmake/spdlog spdlog spdlog::spdlog \
  'SPDLOG_HEADER_ONLY;SPDLOG_FMT_EXTERNAL;FMT_HEADER_ONLY'
package /usr/share/cmake/CLI11 CLI11 CLI11::CLI11 ''
package /usr/share/cmake/nlohmann_json nlohmann_json nlohmann_json::nlohmann_json ''
# include(Catch): the script that makes each case a test.
package /usr/lib/cmake/Catch2 Catch2 Catch2::Catch2 '' \
  'list(APPEND CMAKE_MODULE_PATH /usr/lib/cmake/Catch2)'
echo "$prefix"
