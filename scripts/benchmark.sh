#!/usr/bin/env bash
# Compares pipeactor with its peers, and repeats every figure of docs/performance.md:
#   benchmark.sh           all of them; about 15 minutes, on a machine that does nothing else
#   benchmark.sh --quick   a few, under two minutes
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
exec "$python" apps/pipebench/runner "$@"
