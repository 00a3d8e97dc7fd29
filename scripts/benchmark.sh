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

# The runner alone reads the arguments.
for argument in "$@"; do
  if [[ $argument == -h || $argument == --help ]]; then
    exec python3 apps/pipebench/runner --help
  fi
done

scripts/setup.sh --benchmark >&2
cmake --preset release >/dev/null
cmake --build --preset release --target pipebench --parallel "${PIPEACTOR_JOBS:-$(nproc)}" >&2
# Debian's own interpreter, for which Debian's matplotlib is installed.
python=/usr/bin/python3
[[ -x $python ]] || python=python3
exec "$python" apps/pipebench/runner --history "$@"
