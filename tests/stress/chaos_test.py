#!/usr/bin/env python3
"""Hundreds of client processes, ours and Python's, that are killed, stopped and resumed, that
reset, flood and never read, for PIPEACTOR_CHAOS_SECONDS (default 20); numbers and checksums of
what comes back are checked. Afterwards nothing of them may be left."""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
import chaos_client
import harness

SECONDS = float(os.environ.get("PIPEACTOR_CHAOS_SECONDS", "20"))
CLIENTS = 100  # of each server
TOLERATED_GROWTH = 16 << 20
SERVERS = {
    "message": ["--echo", "--threads", "2"],
    "byte": ["--echo", "--mode", "byte", "--threads", "2", "--marshalled"],
}


class Chaos(harness.Case):

    def setUp(self):
        super().setUp()
        self.seed = int.from_bytes(os.urandom(4), "little")
        print(f"seed {self.seed}", file=sys.stderr)

    def start_crowd(self, mode, address, seconds, *more):
        self.seed += 1_000_000
        crowd = subprocess.Popen(
            [sys.executable, chaos_client.__file__, harness.bin_dir, mode, address, str(seconds),
             str(CLIENTS), str(self.seed), *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(crowd.kill)
        return crowd

    def finish(self, crowd, mode):
        output, errors = crowd.communicate(timeout=SECONDS + 4 * harness.DEADLINE)
        self.assertEqual(crowd.returncode, 0, f"{mode}: {output}{errors}")
        report = json.loads(output)
        print(mode, report, file=sys.stderr)
        self.assertGreater(report["checked"], CLIENTS, "clients were not served")
        self.assertGreater(min(report["killed"], report["stopped"]), 0)

    def threads(self, server):
        return len(os.listdir(f"/proc/{server.process.pid}/task"))

    def test_a_crowd_in_chaos_leaves_nothing_behind_and_harms_nobody(self):
        servers = {mode: self.serve(*options, name=self.path(mode))
                   for mode, options in SERVERS.items()}
        before = {}
        for half in range(2):
            crowds = {mode: self.start_crowd(mode, server.address, SECONDS / 2)
                      for mode, server in servers.items()}
            for mode, crowd in crowds.items():
                self.finish(crowd, mode)
            for mode, server in servers.items():
                if half == 0:
                    # What is made once, is there now.
                    harness.wait_until(lambda: server.descriptors() < CLIENTS, "its clients left")
                    time.sleep(0.2)
                    before[mode] = (server.descriptors(), self.threads(server),
                                    server.anonymous_bytes())
                    continue
                descriptors, threads, memory = before[mode]
                harness.wait_until(lambda: server.descriptors() <= descriptors,
                                   f"{mode}: {descriptors} descriptors again")
                self.assertLessEqual(self.threads(server), threads)
                self.assertLessEqual(server.anonymous_bytes() - memory, TOLERATED_GROWTH)
        for server in servers.values():
            server.stop()

    def test_a_crowd_comes_back_to_a_server_that_is_killed_again_and_again(self):
        for mode, options in SERVERS.items():
            name = self.path("killed-" + mode)
            server = self.serve(*options, name=name)
            crowd = self.start_crowd(mode, name, SECONDS / 2, "--restarts")
            kills = 0
            while crowd.poll() is None and kills < SECONDS / 4:
                time.sleep(0.5)
                server.process.kill()
                server.process.wait()
                kills += 1
                server = self.serve(*options, name=name)
            self.finish(crowd, mode)
            print(f"{kills} kills", file=sys.stderr)
            self.assertGreater(kills, 1)
            server.stop()


if __name__ == "__main__":
    harness.run()
