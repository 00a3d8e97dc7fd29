"""Runs cells: servers in turn, in random order, several rounds."""

import contextlib
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from machine import Occupation
from servers import SERVERS

# The user of the servers if pipebench runs as root: memory limits do not hold for root.
UNPRIVILEGED = 65534
MEMLOCK = 8 << 20
# Others may use so many cores before a run is repeated.
MOST_OTHERS = 0.15


@dataclass
class Plan:
    binaries: Path
    rounds: int = 5
    seconds: float = 0.5
    warm_up: float = 0.3
    # The first and the last processor that this process may use.
    server_cpu: int = min(os.sched_getaffinity(0))
    load_cpu: int = max(os.sched_getaffinity(0))
    syscalls: bool = True
    # Runs that others disturb are repeated so often.
    retries: int = 3
    # Copies of programs, by where these are built: see runnable().
    copies: dict = field(default_factory=dict)
    copies_folder: object = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="pipebench-programs-"))
    progress: object = field(default=lambda text: print(text, file=sys.stderr, flush=True))


class Failed(Exception):
    """A run that gives no figure, and why."""


def available(cell, plan):
    """Returns the servers of a cell that are built."""
    return [name for name in cell.servers if (plan.binaries / SERVERS[name].program).exists()]


def run(cell, plan):
    """Returns {server: [figures of each round]}; figures are None where a run failed."""
    names = available(cell, plan)
    results = {name: [] for name in names}
    # Memory does not vary, and a plot of growth has many points, which make up for few rounds.
    rounds = (1 if cell.work == "idle" else min(plan.rounds, 3) if cell.part in ("growth", "grid")
              else plan.rounds)
    for number in range(rounds):
        for name in random.sample(names, len(names)):
            results[name].append(run_quietly(cell, name, plan))
        plan.progress(f"{cell.name}: round {number + 1} of {rounds}")
    if (plan.syscalls and cell.part in ("compared", "growth")
            and cell.work in ("echo", "broadcast") and shutil.which("perf")):
        for name in names:
            with contextlib.suppress(Failed):
                figures = run_once(cell, name, plan, counting=True)
                results[name][0] = {**(results[name][0] or {}),
                                    "syscalls_per_message": figures["syscalls_per_message"]}
    return results


def run_quietly(cell, name, plan):
    """Repeats a run in which others used the machine; the last attempt counts all the same,
    and tells."""
    figures = None
    for _ in range(plan.retries + 1):
        try:
            figures = run_once(cell, name, plan)
        except Failed as err:
            plan.progress(f"{cell.name}: {name}: {err}")
            return None
        if figures["others"] <= MOST_OTHERS:
            break
    return figures


def run_once(cell, name, plan, counting=False):
    server = SERVERS[name]
    with tempfile.TemporaryDirectory(prefix="pipebench-") as folder:
        os.chmod(folder, 0o755)
        if os.geteuid() == 0:
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
        path = os.path.join(folder, "s")
        if cell.work == "writing":
            return write(cell, server, path, plan)
        command = runnable(server.command(plan.binaries, path, cell), plan)
        begin = time.monotonic()
        with serving(command, plan) as process:
            if cell.work == "starting":
                return {"start_ms": (time.monotonic() - begin) * 1000, "others": 0.0}
            return load(cell, server, path, process.pid, plan, counting)


def runnable(command, plan):
    """Returns the command with a program that the user of servers may start. That is a copy if we
    are root: a build below /root is closed to all others."""
    if os.geteuid() != 0:
        return command
    program, *arguments = command
    if program not in plan.copies:
        folder = Path(plan.copies_folder.name)
        folder.chmod(0o755)
        copy = folder / f"{len(plan.copies)}-{Path(program).name}"
        shutil.copy(program, copy)
        copy.chmod(0o755)
        plan.copies[program] = str(copy)
    return [plan.copies[program], *arguments]


@contextlib.contextmanager
def serving(command, plan):
    """Runs a server until the end of the block, from when clients may connect."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **as_server(plan)) as process:
        try:
            wait_until_listening(process)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_listening(process):
    end = time.monotonic() + 10
    told = b""
    while b"LISTENING" not in told:
        if not select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
            raise Failed("the server does not listen")
        chunk = os.read(process.stdout.fileno(), 4096)
        if not chunk:
            raise Failed("the server ended: " + process.stderr.read().decode().strip())
        told += chunk


def as_server(plan):
    """Returns the settings of a server's process: its processor, and its user if we are root."""

    def prepare():
        os.sched_setaffinity(0, {plan.server_cpu})
        if os.geteuid() == 0:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (MEMLOCK, MEMLOCK))

    result = {"preexec_fn": prepare}
    if os.geteuid() == 0:
        result |= {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []}
    return result


def write(cell, server, path, plan):
    """Runs a server that makes its own load, and its reader."""
    command = [str(plan.binaries / server.program), path, "--writers", str(cell.place),
               "--size", str(cell.size), "--seconds", str(plan.seconds),
               "--warm-up", str(plan.warm_up), "--reader-cpu", str(plan.load_cpu)]
    command = runnable(command, plan)
    occupation = Occupation()
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          timeout=plan.seconds + 60, **as_server(plan))
    cores = occupation.cores()
    if done.returncode != 0:
        raise Failed(done.stderr.strip() or "messages were lost or out of order")
    # All that runs is the server and its reader.
    return {**json.loads(done.stdout), "others": max(0.0, cores - 2)}


def load(cell, server, path, pid, plan, counting):
    command = [str(plan.binaries / "pipebench-load"), path, "--server", str(pid),
               "--work", cell.work, "--dialect", server.dialect,
               "--connections", str(cell.connections), "--size", str(cell.size),
               "--in-flight", str(cell.in_flight), "--rate", str(cell.rate),
               "--seconds", str(plan.seconds), "--warm-up", str(0 if counting else plan.warm_up)]
    if cell.poll:
        command.append("--poll")
    if cell.active:
        command += ["--active", str(cell.active)]
    if cell.work == "broadcast" and server.own_publisher_socket:
        command += ["--publish-to", path + ".in"]
    if counting:
        command = ["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", str(pid),
                   "--", *command]
    occupation = Occupation()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=plan.seconds + 60,
                              preexec_fn=lambda: os.sched_setaffinity(0, {plan.load_cpu}))
    except subprocess.TimeoutExpired as err:
        raise Failed("the load does not end") from err
    cores = occupation.cores()
    if not done.stdout.strip():
        raise Failed(done.stderr.strip() or "the load told nothing")
    figures = json.loads(done.stdout)
    if figures["faulty"]:
        raise Failed(f"faults: {figures['faults']}")
    figures["others"] = max(0.0, cores - figures.get("server_cores", cores)
                            - figures.get("load_cores", 0))
    if counting:
        figures["syscalls_per_message"] = counted(done.stderr) / figures["messages"]
    return figures


def counted(perf_output):
    """Returns the count in what `perf stat -x,` has printed."""
    for line in perf_output.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2].startswith("raw_syscalls") and fields[0].isdigit():
            return int(fields[0])
    raise Failed("perf counts no system calls here")
