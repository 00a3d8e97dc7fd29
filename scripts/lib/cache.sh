# shellcheck shell=bash
# Sourced by the scripts that keep something in the user's cache.

# in_cache PREFIX BUILD: unless PREFIX is there, calls `BUILD WORK`, which leaves it at
# WORK/prefix. One process builds, others wait for it; what is half done never has the final name.
in_cache() {
  local prefix=$1 build=$2 work=$1.build
  [[ -d $prefix ]] && return
  mkdir -p "$(dirname "$prefix")"
  exec 9>"$prefix.lock"
  flock 9
  [[ -d $prefix ]] && return
  # Always the same directory: ccache would find nothing again in another one.
  # shellcheck disable=SC2064 # the name of now
  trap "rm -rf '$work'" EXIT
  rm -rf "$work"
  mkdir "$work"
  "$build" "$work" >&2
  mv -T "$work/prefix" "$prefix"
  echo "${0##*/}: $SECONDS s" >&2
}
