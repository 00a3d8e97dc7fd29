"""pipebench: every server it compares does its work, in order. No time is judged here."""

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import harness

RUNNER = Path(__file__).parents[2] / "apps" / "pipebench" / "runner"


class Cells(harness.Case):

    def measure(self, only, *options):
        """Returns {(cell, part): {server: figures}} of all cells whose names hold `only`, and
        keeps the page of results."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, RUNNER, "--binaries", harness.bin_dir,
                            "--output", folder, "--only", only, "--rounds", "1",
                            "--seconds", "0.1", "--retries", "0", "--no-syscalls", *options],
                           check=True, timeout=harness.DEADLINE * 3, capture_output=True)
            record = json.loads(Path(folder, "results.json").read_text(encoding="utf-8"))
            self.page = Path(folder, "results.md").read_text(encoding="utf-8")
        return {(entry["cell"]["name"], entry["cell"]["part"]):
                {name: runs[0] for name, runs in entry["results"].items()}
                for entry in record["entries"]}

    def check_all(self, results, servers):
        self.assertTrue(results)
        for cell, found in results.items():
            self.assertGreaterEqual(len(found), servers, cell)
            for server, figures in found.items():
                self.assertIsNotNone(figures, f"{cell}: {server} failed")
                self.assertGreater(figures["messages"], 0, f"{cell}: {server}")

    def test_every_server_echoes_in_order(self):
        results = self.measure("echo, 1 KiB, 64 conn, 16 in flight")
        self.check_all(results, 3)
        self.assertGreaterEqual(len(results["echo, 1 KiB, 64 conn, 16 in flight", "compared"]), 5)

    def test_messages_of_a_mebibyte_come_back(self):
        results = self.measure("echo, 1 MiB, 1 conn, 1 in flight")
        # Those that the system's limit (net.core.wmem_max) keeps from sending so much fail.
        self.assertIn("pipeactor", results["echo, 1 MiB, 1 conn, 1 in flight", "grid"])
        self.assertIn("| 1 MiB, 1 |", self.page)

    def test_some_of_the_connections_are_active(self):
        self.check_all(self.measure("64 active"), 2)

    def test_another_build_is_compared(self):
        other = harness.program("pipecat")
        results = self.measure("echo, 64 B, 64 conn, 1 in flight", "--also", f"other={other}",
                               "--servers", "pipeactor")
        self.check_all(results, 2)
        for found in results.values():
            self.assertIn("other", found)

    def test_every_server_broadcasts_in_order(self):
        self.check_all(self.measure("broadcast, 64 B, 64 conn, 16 in flight"), 3)

    def test_streams_of_bytes_come_back(self):
        self.check_all(self.measure("echo, 16 KiB, 16 conn, 4 in flight"), 2)

    def test_a_fixed_load_is_answered(self):
        self.check_all(self.measure("20000/s"), 3)

    def test_clients_that_come_and_go_are_answered(self):
        self.check_all(self.measure("connecting"), 2)

    def test_idle_connections_cost_memory(self):
        results = self.measure("idle, 64 B, 100 conn")
        figures = results["idle, 64 B, 100 conn", "growth"]["pipeactor"]
        self.assertGreater(figures["server_bytes_per_connection"], 0)

    def test_writers_on_the_scheduler_keep_their_order(self):
        self.check_all(self.measure("4 writers"), 1)

    def test_a_server_starts(self):
        for server, figures in self.measure("starting")["starting", "compared"].items():
            self.assertGreater(figures["start_ms"], 0, server)

    def test_the_page_of_results_has_every_table(self):
        results = self.measure("echo, 64 B, 64 conn, 1 in flight;idle, 64 B, 100")
        self.assertIn("A trivial system call costs", self.page)
        for section in ("Servers", "Bars", "Sizes, connections, messages in flight",
                        "All workloads", "Growth", "Doubtful figures"):
            self.assertIn(f"\n## {section}\n", self.page)
        figures = results["echo, 64 B, 64 conn, 1 in flight", "compared"]["pipeactor"]
        self.assertIn(f"| pipeactor | {figures['messages_per_second']:,.0f} |", self.page)

    def test_a_server_that_is_not_there_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([sys.executable, RUNNER, "--binaries", folder], check=False,
                                    capture_output=True, text=True)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("scripts/benchmark.sh builds it", result.stderr)


class Load(harness.Case):

    def test_messages_out_of_order_are_faults(self):
        path = self.path()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path)
            listener.listen()
            with subprocess.Popen(
                    [harness.program("pipebench-load"), path, "--connections", "1", "--in-flight",
                     "2", "--seconds", "1", "--warm-up", "0"], stdout=subprocess.PIPE) as load:
                client, _ = listener.accept()
                with client:
                    first, second = client.recv(64), client.recv(64)
                    client.send(second)
                    client.send(first)
                    # Closed before, with input unread, it could reset what is on its way.
                    output, _ = load.communicate(timeout=harness.DEADLINE)
        self.assertEqual(load.returncode, 1)
        self.assertEqual(json.loads(output)["faults"]["out_of_order"], 2)


if __name__ == "__main__":
    harness.run()
