"""The machine: what it is, and whether others use it meanwhile."""

import os
import platform
import subprocess
import sys
import time
import timeit
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def describe():
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "date": time.strftime("%Y-%m-%d"), "packages": packages(),
            "system_call_us": system_call_us()}


def system_call_us():
    """Returns what a trivial system call costs: ratios to peers depend on it."""
    calls = 100_000

    def fastest(function):
        return min(timeit.repeat(function, number=calls, repeat=5))

    # Both are calls of a C function without arguments; only the first asks the kernel.
    spent = fastest(os.getppid) - fastest(sys.getrecursionlimit)
    return round(spent / calls * 1e6, 2)


def packages():
    """Versions of the libraries that are compared, as Debian names them."""
    names = ("libcaf-dev", "libuv1-dev", "libasio-dev", "libnng-dev", "libzmq3-dev",
             "liburing-dev")
    result = {}
    for name in names:
        asked = subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], text=True, check=False,
                               capture_output=True)
        if asked.returncode == 0 and asked.stdout:
            result[name] = asked.stdout
    return result


class Occupation:
    """How many cores were busy since it was made."""

    def __init__(self):
        self._begin = self._busy()
        self._time = time.monotonic()

    def cores(self):
        return (self._busy() - self._begin) / TICK / (time.monotonic() - self._time)

    @staticmethod
    def _busy():
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(x) for x in file.readline().split()[1:9]]
        # All but idle and iowait; what the host took away (steal) counts as busy.
        return sum(fields) - fields[3] - fields[4]
