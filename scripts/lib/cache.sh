# shellcheck shell=bash
# Sourced by the scripts that keep something in the user's cache.

# in_cache PREFIX BUILD: if PREFIX is not there yet, calls `BUILD WORK`, which leaves it at
# WORK/prefix. One process builds while others wait for it. PREFIX appears only once complete.
in_cache() {
  local prefix=$1 build=$2 work=$1.build
  [[ -d $prefix ]] && return
  mkdir -p "$(dirname "$prefix")"
  exec 9>"$prefix.lock"
  flock 9
  [[ -d $prefix ]] && return
  # Always the same directory: ccache finds nothing if paths differ.
  # shellcheck disable=SC2064 # $work is expanded now: it is local
  trap "rm -rf '$work'" EXIT
  rm -rf "$work"
  mkdir "$work"
  "$build" "$work" >&2
  mv -T "$work/prefix" "$prefix"
  echo "${0##*/}: $SECONDS s" >&2
}
