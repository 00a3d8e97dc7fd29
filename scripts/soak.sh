#!/usr/bin/env bash
# Endurance: soak.sh [SECONDS] (default 3600). Mixed traffic against `pipecat listen` on each
# port, all at the same time: see tests/stress/soak_test.py. Prints the numbers of each round;
# exits with 1 if a client was not served or a server keeps memory. Sets up, and builds the
# release preset first.
set -euo pipefail
cd "$(dirname "$0")/.."

export PIPEACTOR_SOAK_SECONDS=${1:-3600}
if (($# > 1)) || [[ ! $PIPEACTOR_SOAK_SECONDS =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: scripts/soak.sh [SECONDS]" >&2
  exit 2
fi

scripts/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release --target pipecat --parallel "${PIPEACTOR_JOBS:-$(nproc)}"

status=0
pids=()
for port in io_uring epoll; do
  python3 tests/stress/soak_test.py build/bin "$port" 2> >(sed "s/^/$port: /" >&2) &
  pids+=($!)
done
for pid in "${pids[@]}"; do
  wait "$pid" || status=1
done
exit "$status"
