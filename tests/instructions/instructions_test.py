#!/usr/bin/env python3
"""Compares how many instructions a message costs with what was recorded:
instructions_test.py PROGRAM [--record] [SCENARIO...]

Counted by callgrind, on the simulated port and one thread: unlike time, the count is the same
however busy the machine is. With --record the counts become the recorded ones.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

RECORDED = Path(__file__).with_name("recorded.json")
SCENARIOS = ("broadcast", "connections", "echo", "echo_bursts", "echo_marshalled")
# Counted are completions, jobs of the bridge and actors of the scheduler, not the port.
COUNTED = ("pipeactor::detail::completion_bridge::on_*", "pipeactor::detail::completion_bridge::run_jobs*",
           "run_scheduler*")
# Memory functions are chosen by the processor, and Debian's CAF is rebuilt now and then.
TOLERANCE = 0.05


def collected(program, scenario, rounds):
    """Returns (instructions, messages) of a run."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
             *(f"--toggle-collect={name}" for name in COUNTED), program, scenario, str(rounds)],
            capture_output=True, text=True, check=False, timeout=300)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"{scenario}: {done.stderr}")
    return int(found.group(1)), int(done.stdout)


def per_message(program, scenario):
    """Returns the instructions of a message, without what a run costs once."""
    few, few_messages = collected(program, scenario, 20)
    many, many_messages = collected(program, scenario, 120)
    return round((many - few) / (many_messages - few_messages))


def main():
    program, *rest = sys.argv[1:]
    record = "--record" in rest
    scenarios = [x for x in rest if x != "--record"] or SCENARIOS
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    worse = []
    for scenario in scenarios:
        found = per_message(program, scenario)
        before = recorded.get(scenario)
        print(f"{scenario}: {found} instructions a message, recorded {before}")
        if record:
            recorded[scenario] = found
        elif before is None or abs(found / before - 1) > TOLERANCE:
            worse.append(scenario)
    if record:
        RECORDED.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n",
                            encoding="utf-8")
    if worse:
        sys.exit(f"not what was recorded: {', '.join(worse)}. More: find out why. Less, or on "
                 "purpose: record it with --record, and say why in the commit.")


main()
