# shellcheck shell=bash
# Sourced by build-caf.sh and build-caf-windows.sh: gets CAF's sources from Debian by the name
# of their package. The system's own apt configuration stays as it is; root is not needed.

caf_version=0.17.6
suite=bookworm

# The deb lines of the system's sources, in both of their formats, as deb-src lines for
# what is needed. Options and keys stay with them.
source_lines() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -f $file ]] || continue
    sed -nE "s/^[[:space:]]*deb[[:space:]]+((\[[^]]*\][[:space:]]+)?[^[:space:]]+[[:space:]]+$suite)\
[[:space:]]+([^#]*[[:space:]])?main([[:space:]#].*)?\$/deb-src \1 main/p" "$file"
  done >"$1/caf.list"
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ -f $file ]] || continue
    awk -v suite="$suite" '
      function has(text, word) { return index(" " text " ", " " word " ") > 0 }
      function flush(  i) {
        if (has(types, "deb") && has(suites, suite) && has(components, "main") && !disabled) {
          print "Types: deb-src\nSuites: " suite "\nComponents: main"
          for (i = 1; i <= count; ++i)
            print others[i]
          print ""
        }
        types = suites = components = field = ""
        count = disabled = 0
      }
      /^#/ { next }
      /^[[:space:]]*$/ { flush(); next }
      {
        value = $0
        if (/^[^[:space:]]/) {
          field = tolower($0)
          sub(/[[:space:]]*:.*/, "", field)
          sub(/^[^:]*:/, "", value)
        }
        gsub(/[[:space:]]+/, " ", value)
        if (field == "types")
          types = types value " "
        else if (field == "suites")
          suites = suites value " "
        else if (field == "components")
          components = components value " "
        else if (field == "enabled")
          disabled = tolower(value) ~ /no|false|off|disable|without|0/
        else
          others[++count] = $0
      }
      END { flush() }' "$file"
  done >"$1/caf.sources"
}

# fetch DIRECTORY: puts the sources' tarball there.
fetch() {
  local apt
  mkdir -p "$1"/parts "$1"/lists/partial "$1"/cache/archives/partial
  source_lines "$1/parts"
  if [[ ! -s $1/parts/caf.list && ! -s $1/parts/caf.sources ]]; then
    echo "${0##*/}: apt has no source with the main component of $suite" >&2
    return 1
  fi
  # Sandbox: apt's own user cannot write to a directory of ours.
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$1/parts"
    -o "Dir::State::lists=$1/lists" -o "Dir::Cache=$1/cache" -o "APT::Sandbox::User="
    -o "Acquire::Retries=3")
  "${apt[@]}" update
  (cd "$1" && "${apt[@]}" source --download-only --tar-only actor-framework)
}

# unpack_caf WORK: fetches the sources and unpacks them to WORK/source.
unpack_caf() {
  fetch "$1/fetched"
  mkdir "$1/source"
  tar -xf "$1"/fetched/actor-framework_"$caf_version"*.orig.tar.* -C "$1/source" \
    --strip-components=1
}
