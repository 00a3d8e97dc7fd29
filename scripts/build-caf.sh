#!/usr/bin/env bash
# Builds CAF's core and io libraries from Debian's sources with ThreadSanitizer, and prints the
# prefix that it is installed in: for the `tsan` preset, which sees false races where
# CAF is not instrumented. Once only: the result is kept in the user's cache. The
# system's own apt configuration stays as it is, and root is not needed.
set -euo pipefail

version=0.17.6
suite=bookworm
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
prefix=$cache/caf-$version-tsan-$key

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
    echo "build-caf: apt has no source with the main component of $suite" >&2
    return 1
  fi
  # Sandbox: apt's own user cannot write to a directory of ours.
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$1/parts"
    -o "Dir::State::lists=$1/lists" -o "Dir::Cache=$1/cache" -o "APT::Sandbox::User="
    -o "Acquire::Retries=3")
  "${apt[@]}" update
  (cd "$1" && "${apt[@]}" source --download-only --tar-only actor-framework)
}

build() {
  local work=$1 launcher=()
  echo "build-caf: fetching the sources of CAF $version"
  fetch "$work/fetched"
  mkdir "$work/source"
  tar -xf "$work"/fetched/actor-framework_"$version"*.orig.tar.* -C "$work/source" \
    --strip-components=1
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

if [[ ! -d $prefix ]]; then
  mkdir -p "$cache"
  # One builds, others wait for it; and what is half done never has the final name.
  exec 9>"$prefix.lock"
  flock 9
  if [[ ! -d $prefix ]]; then
    # Always the same directory: ccache would find nothing again in another one.
    work=$prefix.build
    trap 'rm -rf "$work"' EXIT
    rm -rf "$work"
    mkdir "$work"
    build "$work" >&2
    mv -T "$work/prefix" "$prefix"
    echo "build-caf: $SECONDS s" >&2
  fi
fi
echo "$prefix"
