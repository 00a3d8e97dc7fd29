#!/usr/bin/env python3
"""Connections of a Windows program, under Wine, used from a Linux process, and the other way.

nodes_test.py WINE WINDOWS_PROGRAMS LINUX_PROGRAMS
"""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))

import harness  # pylint: disable=wrong-import-position

harness.DEADLINE = 60  # Wine is slow at its start

wine, windows_programs, linux_programs = "", "", ""


class WindowsProgram:
    """Has files for its output: Wine's server would keep pipes open."""

    def __init__(self, case, name, *arguments):
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [wine, os.path.join(windows_programs, name + ".exe"), *arguments],
            stdin=subprocess.PIPE, stdout=self.output, stderr=subprocess.STDOUT)
        case.addCleanup(self.end)

    def lines(self):
        return os.pread(self.output.fileno(), 1 << 20, 0).decode().splitlines()

    def wait_for_line(self, begin):
        """Returns the rest of a line."""
        def rest():
            found = [line for line in self.lines() if line.startswith(begin)]
            return found and [found[0].removeprefix(begin)]
        return harness.wait_until(rest, f"{begin!r} in {self.lines()}")[0]

    def press_return(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.output.close()


class Nodes(harness.Case):

    def test_a_linux_process_writes_to_clients_of_a_windows_server(self):
        name = f"nodes-{os.getpid()}"
        server = WindowsProgram(self, "remote_connection", "serve", name, "0")
        self.assertEqual(server.wait_for_line("LISTENING "), rf"\\.\pipe\{name}")
        port = server.wait_for_line("PORT ")
        clients = [WindowsProgram(self, "pipecat", "connect", name) for _ in range(2)]

        def greet():
            done = subprocess.run([os.path.join(linux_programs, "remote_connection"), "greet",
                                   port], check=True, capture_output=True,
                                  timeout=harness.DEADLINE)
            return sorted(done.stdout.splitlines())

        # The clients may not be there yet.
        harness.wait_until(lambda: greet() == [b"greeted client 1", b"greeted client 2"],
                           "both clients greeted")
        for client in clients:
            client.wait_for_line("greetings")
        server.press_return()
        self.assertEqual(server.process.wait(harness.DEADLINE), 0)
        for client in clients:
            self.assertEqual(client.process.wait(harness.DEADLINE), 0, client.lines())

    def test_a_windows_process_writes_to_clients_of_a_linux_server(self):
        server = harness.Server(self, [], self.path(),
                                command=[os.path.join(linux_programs, "remote_connection"),
                                         "serve", self.path(), "0"])
        self.addCleanup(server.end)
        server.wait_until_listening()
        server.read_until(b"PORT ")
        port = server.read_until(b"\n").strip().decode()
        client = self.connect(server)

        def greeted():
            program = WindowsProgram(self, "remote_connection", "greet", port)
            self.assertEqual(program.process.wait(harness.DEADLINE), 0, program.lines())
            return program.lines()

        harness.wait_until(lambda: greeted() == ["greeted client 1"], "the client greeted")
        self.assertEqual(client.recv(100), b"greetings")
        server.process.stdin.write(b"\n")
        server.process.stdin.flush()
        server.finish()


if __name__ == "__main__":
    os.environ.setdefault("WINEDEBUG", "-all")
    wine, windows_programs, linux_programs = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
