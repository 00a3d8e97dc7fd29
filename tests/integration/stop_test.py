#!/usr/bin/env python3
"""How `pipecat listen` ends: soon, with exit code 0, and without a trace."""

import os
import select
import signal
import subprocess

import harness


class Stop(harness.Case):

    def test_sigterm_ends_it(self):
        server = self.serve("--echo")
        self.assert_echoes(server)
        server.stop()

    def test_sigint_ends_it(self):
        server = self.serve("--echo")
        self.assert_echoes(server)
        server.stop(signal.SIGINT)

    def test_its_clients_see_the_end(self):
        server = self.serve("--echo", "--threads", "2")
        clients = [self.connect(server) for _ in range(10)]
        for client in clients:
            client.send(b"hello")
            self.assertEqual(client.recv(100), b"hello")
        server.stop()
        for client in clients:
            self.assertEqual(client.recv(100), b"")

    def test_writes_that_wait_for_a_client_do_not_hold_it_up(self):
        server = self.serve("--echo")
        deaf = self.connect(server)
        deaf.setblocking(False)
        while select.select([], [deaf], [], 0.2)[1]:
            try:
                deaf.send(b"x" * 50000)
            except BlockingIOError:
                pass
        server.stop(within=5)

    def test_a_broadcast_that_waits_for_a_client_does_not_hold_it_up(self):
        server = self.serve("-v")
        self.connect(server)
        server.wait_for_log("client 1 connected")
        os.set_blocking(server.process.stdin.fileno(), False)
        while select.select([], [server.process.stdin], [], 0.2)[1]:
            try:
                os.write(server.process.stdin.fileno(), b"line\n" * 10000)
            except BlockingIOError:
                pass
        server.stop(within=5)

    def test_a_reader_of_its_output_that_sleeps_does_not_hold_it_up(self):
        sleeping = subprocess.Popen(["sleep", "1000"], stdin=subprocess.PIPE)
        self.addCleanup(sleeping.stdin.close)
        self.addCleanup(sleeping.wait)
        self.addCleanup(sleeping.kill)
        path = self.path()
        process = subprocess.Popen([harness.program("pipecat"), "listen", path, "--port",
                                    harness.port],
                                   stdin=subprocess.DEVNULL, stdout=sleeping.stdin)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        harness.wait_until(lambda: os.path.exists(path), "the socket")
        client = harness.wait_until(lambda: self.try_to_connect(path), "a connection")
        client.setblocking(False)
        while select.select([], [client], [], 0.2)[1]:
            try:
                client.send(b"x" * 5000)
            except BlockingIOError:
                pass
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)
        self.assertFalse(os.path.exists(path))

    def try_to_connect(self, path):
        try:
            return self.connect(path)
        except ConnectionRefusedError:
            return None

    def listen_for_a_reader(self, *options):
        """Starts a server whose output the test can close."""
        path = self.path()
        process = subprocess.Popen([harness.program("pipecat"), "listen", path, "--port",
                                    harness.port, *options],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertTrue(process.stdout.readline().startswith(b"LISTENING "))
        return process, path

    def test_it_ends_when_the_reader_of_its_output_does(self):
        process, path = self.listen_for_a_reader()
        process.stdout.close()
        self.assertEqual(process.wait(harness.DEADLINE), 0)
        self.assertFalse(os.path.exists(path))

    def test_an_echo_server_outlives_the_reader_of_its_output(self):
        process, path = self.listen_for_a_reader("--echo")
        process.stdout.close()
        self.assert_echoes(path)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)

    def test_a_full_disk_ends_it_with_a_reason(self):
        with open("/dev/full", "wb") as full:
            process = subprocess.Popen([harness.program("pipecat"), "listen", self.path(),
                                        "--port", harness.port],
                                       stdin=subprocess.DEVNULL, stdout=full,
                                       stderr=subprocess.PIPE)
        self.assertIn(b"cannot write to standard output: No space left",
                      process.communicate(timeout=harness.DEADLINE)[1])
        self.assertEqual(process.returncode, 1)

    def test_a_server_that_can_listen_no_more_ends_with_the_reason(self):
        for options in (["--echo"], []):
            with self.subTest(options):
                server = self.serve(*options, name=self.path("pipe"))
                file = self.path("file")
                with open(file, "wb"):
                    pass
                # One step: the server looks at its files meanwhile. What is no socket stays.
                os.rename(file, server.address)
                self.assertEqual(server.process.wait(harness.DEADLINE), 1)
                self.assertIn("not_a_pipe", server.log())
                os.unlink(server.address)

    def test_the_name_is_free_again_at_once(self):
        for _ in range(20):
            server = self.serve("--echo")
            self.assert_echoes(server)
            server.stop()
            server.end()

    def test_sigpipe_keeps_its_meaning(self):
        server = self.serve("--echo")
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        ignored_or_caught = int(status["SigIgn"], 16) | int(status["SigCgt"], 16)
        self.assertFalse(ignored_or_caught >> (signal.SIGPIPE - 1) & 1)


if __name__ == "__main__":
    harness.run()
