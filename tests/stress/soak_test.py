#!/usr/bin/env python3
"""Mixed traffic for PIPEACTOR_SOAK_SECONDS (default 20): clients that are served and must be,
among others that come and go, are killed, never read, and flood. The time is cut into rounds;
after each all clients are gone, and the servers' descriptors and memory are looked at."""

import os
import random
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
import harness
import soak_client

SECONDS = float(os.environ.get("PIPEACTOR_SOAK_SECONDS", "20"))
ROUND = min(60.0, SECONDS / 5)
# How much a server's memory may grow after the first round: the heap is not packed tightly.
TOLERATED_GROWTH = 16 << 20
# Receive buffers that have been used stay in memory. So many deaf clients make a server use
# all that it has, also two bridges.
DEAF_AT_FIRST = 16

SERVERS = {
    "echo": ["--echo", "--threads", "2"],
    "marshalled": ["--echo", "--marshalled"],
    "broadcast": ["--broadcast", "--threads", "2"],
}
ROLES = {
    "echo": ["polite", "restless", "deaf", "flood"],
    "marshalled": ["polite", "restless", "deaf", "flood"],
    "broadcast": ["speaker", "listener", "restless", "deaf"],
}


class Soak(harness.Case):

    def start_client(self, role, address, seconds):
        self.seed += 1
        client = subprocess.Popen([sys.executable, soak_client.__file__, role, address, str(seconds),
                                   str(self.seed)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        return client

    def use_all_buffers(self, server):
        clients = [self.connect(server) for _ in range(DEAF_AT_FIRST)]
        message = bytes(soak_client.LONGEST_MESSAGE)
        for client in clients:
            client.setblocking(False)
        open_clients = list(clients)
        while ready := select.select([], open_clients, [], 0.5)[1]:
            for client in ready:
                try:
                    client.send(message)
                except BlockingIOError:
                    pass
                except ConnectionError: # a broadcast's recipient has to read
                    open_clients.remove(client)
        for client in clients:
            client.close()

    def run_round(self, servers):
        """Returns the number of messages that clients have checked, and of clients killed."""
        end = time.monotonic() + ROUND
        clients, doomed = [], []
        for name, server in servers.items():
            for role in ROLES[name]:
                client = self.start_client(role, server.address, ROUND)
                (doomed if role == "flood" else clients).append((client, name, role))
        killed = 0
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self.random.uniform(0.2, 1)))
            victim, name, role = doomed.pop(0)
            victim.kill()
            victim.wait()
            killed += 1
            left = max(end - time.monotonic(), 0)
            doomed.append((self.start_client(role, servers[name].address, left), name, role))
        checked = 0
        for client, name, role in clients + doomed:
            output, _ = client.communicate(timeout=2 * harness.DEADLINE)
            self.assertEqual(client.returncode, 0, f"{role} of {name}")
            checked += int(output)
        return checked, killed

    def test_mixed_traffic(self):
        self.seed = int.from_bytes(os.urandom(4), "little")
        self.random = random.Random(self.seed)
        print(f"seed {self.seed}", file=sys.stderr)
        servers = {name: self.serve(*options, name=self.path(name))
                   for name, options in SERVERS.items()}
        descriptors = {}
        for name, server in servers.items():
            with self.connect(server) as client:
                client.send(b"first")
                client.recv(100)
                descriptors[name] = server.descriptors() - 1
            self.use_all_buffers(server)
        first = {}
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            checked, killed = self.run_round(servers)
            report = f"{checked} messages checked, {killed} clients killed; MiB:"
            for name, server in servers.items():
                harness.wait_until(lambda: server.descriptors() <= descriptors[name],
                                   f"{name}: {descriptors[name]} descriptors again")
                self.assert_echoes(server)
                memory = server.anonymous_bytes()
                report += f" {name} {memory / (1 << 20):.1f}"
                growth = memory - first.setdefault(name, memory)
                self.assertLessEqual(growth, TOLERATED_GROWTH, f"{name}: memory grows")
            print(report, file=sys.stderr, flush=True)
            self.assertGreater(checked, 0)
        for server in servers.values():
            server.stop()


if __name__ == "__main__":
    harness.run()
