#!/usr/bin/env bash
# Compares pipeactor with its peers, and repeats every figure of docs/results.md:
#   benchmark.sh               all of them; about half an hour, on a machine that does nothing else
#   benchmark.sh --docs docs   the same, and writes docs/results.md and its plots
#   benchmark.sh --quick       a few, under two minutes
#   benchmark.sh --before REVISION   also pipecat as it was then, beside today's
# More options: benchmark.sh --help. Results and plots are left in build/benchmark. Runs as
# root measure servers as an unprivileged user, and count system calls.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --benchmark >&2
cmake --preset release >/dev/null
cmake --build --preset release --target pipebench --parallel "${PIPEACTOR_JOBS:-$(nproc)}" >&2
# Debian's own interpreter, for which Debian's matplotlib is installed.
python=/usr/bin/python3
[[ -x $python ]] || python=python3

# pipecat_of REVISION: builds that revision's pipecat in a tree of its own, and prints where.
pipecat_of() {
  local revision tree
  revision=$(git rev-parse --short --verify --quiet "$1^{commit}") || return 1
  tree=$PWD/build/before/$revision
  if [[ ! -x $tree/build/bin/pipecat ]]; then
    mkdir -p "$tree"
    git archive "$revision" | tar -x -C "$tree" || return 1
    cmake -S "$tree" -B "$tree/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DPIPEACTOR_BUILD_TESTS=OFF >&2 || return 1
    cmake --build "$tree/build" --target pipecat --parallel "${PIPEACTOR_JOBS:-$(nproc)}" >&2 \
      || return 1
  fi
  echo "$tree/build/bin/pipecat"
}

# What history() in cells.py compares with: the revision that brought pipebench.
first_revision=748daf1

arguments=()
whole=true
while (($# > 0)); do
  case $1 in
  --before)
    program=$(pipecat_of "${2:?--before wants a revision}")
    arguments+=(--also "pipeactor $2=$program")
    shift
    ;;
  --quick | --from | --only) whole=false && arguments+=("$1") ;;
  *) arguments+=("$1") ;;
  esac
  shift
done

if $whole; then
  # A copy of the sources without their history has nothing to compare with.
  if program=$(pipecat_of "$first_revision"); then
    ln -sfn "${program%/build/bin/pipecat}" build/before/first
  else
    echo "benchmark.sh: revision $first_revision is not here: what was gained since is not told" >&2
  fi
fi
exec "$python" apps/pipebench/runner "${arguments[@]}"
