#!/usr/bin/env python3
"""Names of pipes, and what may lie in their way."""

import os
import signal
import socket

import harness


class Names(harness.Case):

    def assert_refused(self, reason, *arguments, **more):
        """Expects `pipecat listen` to end with one line on standard error."""
        result = self.pipecat("listen", *arguments, "--port", harness.port, **more)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(result.stdout, b"")
        lines = result.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(f"pipecat: {reason}: "), lines[0])
        return lines[0]

    def test_a_second_server_is_refused_and_harms_nobody(self):
        first = self.serve("--echo")
        client = self.connect(first)
        for _ in range(3):
            self.assertIn(f"process {first.process.pid}",
                          self.assert_refused("pipe_in_use", first.address))
        client.send(b"still here")
        self.assertEqual(client.recv(100), b"still here")
        self.assert_echoes(first)
        first.stop()

    def test_the_name_of_a_killed_server_can_be_used_at_once(self):
        for _ in range(5):
            server = self.serve("--echo")
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            self.assertTrue(harness.is_socket(server.address))
        server = self.serve("--echo")
        self.assert_echoes(server)
        server.stop()

    def test_a_live_server_of_another_program_is_left_alone(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.bind(self.path())
            other.listen()
            self.assert_refused("pipe_in_use", self.path())
            self.assertTrue(harness.is_socket(self.path()))
            other.settimeout(0.0)
            with self.assertRaises(BlockingIOError):
                other.accept()  # it was not even disturbed

    def test_the_socket_of_a_dead_program_is_replaced(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
            dead.bind(self.path())
        server = self.serve("--echo")
        self.assert_echoes(server)

    def test_a_file_in_the_way_is_left_alone(self):
        with open(self.path(), "w", encoding="ascii") as file:
            file.write("precious")
        self.assert_refused("not_a_pipe", self.path())
        with open(self.path(), encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_a_directory_in_the_way_is_left_alone(self):
        os.mkdir(self.path())
        self.assert_refused("not_a_pipe", self.path())
        self.assertTrue(os.path.isdir(self.path()))

    def test_a_missing_directory_is_named(self):
        self.assertIn(self.path("missing"),
                      self.assert_refused("os_error", self.path("missing/pipe")))

    def test_an_empty_name_is_refused(self):
        self.assertIn("cannot start without specifying a pipe name",
                      self.assert_refused("missing_pipe_name", ""))

    def test_illegal_names_are_refused(self):
        for name in ("a/b", "../a", ".hidden", "a\\b", "tab\there", self.path("dir/")):
            self.assert_refused("invalid_pipe_name", name)

    def test_overlong_names_are_refused(self):
        self.assert_refused("pipe_name_too_long", "x" * 200)
        self.assert_refused("pipe_name_too_long", "/tmp/" + "x" * 200)

    def test_the_longest_path_works(self):
        name = self.path("")
        name += "x" * (107 - len(name))
        server = self.serve("--echo", name=name)
        self.assert_echoes(server)
        server.stop()

    def test_a_leaf_name_lies_in_a_closed_directory_of_the_user(self):
        name = f"pipeactor-test-{os.getpid()}"
        server = self.serve("--echo", name=name)
        self.assertEqual(os.path.basename(server.address), name)
        directory = os.stat(os.path.dirname(server.address))
        self.assertEqual((directory.st_mode & 0o777, directory.st_uid), (0o700, os.geteuid()))
        self.assertEqual(os.stat(server.address).st_mode & 0o777, 0o600)
        result = self.pipecat("connect", name, "--expect", "1", input=b"hello\n")
        self.assertEqual((result.returncode, result.stdout), (0, b"hello\n"))
        server.stop()


class Options(harness.Case):

    def test_values_out_of_range_are_named(self):
        for option, value, text in (("--threads", "2000", "num_threads is 2000: use 0 to 1024"),
                                    ("--max-message", "2000000000", "max_message_size is"),
                                    ("--max-message", "1000000000", "this system sends at most")):
            result = self.pipecat("listen", self.path(), option, value, "--port", harness.port)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn(text, result.stderr.decode())

    def test_a_wrong_command_line_is_explained(self):
        for arguments in ([], ["listen"], ["connect"], ["dance"],
                          ["listen", "x", "--echo", "--broadcast"],
                          ["listen", "x", "--marshalled"], ["listen", "x", "--threads", "-1"],
                          ["listen", "x", "--threads", "two"], ["listen", "x", "--port", "kqueue"],
                          ["listen", "x", "--mode", "datagram"],
                          ["listen", "x", "--spin-us", "-1"], ["connect", "x", "--linger", "-1"],
                          ["connect", "x", "--expect", "many"], ["connect", "x", "--whole=maybe"],
                          ["list", "x", "y"]):
            result = self.pipecat(*arguments)
            self.assertEqual(result.returncode, 2, (arguments, result))
            self.assertIn(b"--help", result.stderr)

    def test_help_goes_to_standard_output(self):
        for arguments in (["--help"], ["listen", "--help"], ["connect", "--help"],
                          ["list", "--help"], ["--version"]):
            result = self.pipecat(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, b""))
            self.assertTrue(result.stdout)


if __name__ == "__main__":
    harness.run()
