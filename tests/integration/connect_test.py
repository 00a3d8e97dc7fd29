#!/usr/bin/env python3
"""`pipecat connect`."""

import os
import select
import signal
import socket
import subprocess
import time

import harness


class Connect(harness.Case):

    def talk(self, server, *options, input=b""):
        return self.pipecat("connect", getattr(server, "address", server), "--port", harness.port,
                            *options, input=input)

    def assert_fails(self, result, text):
        self.assertEqual(result.returncode, 1, result)
        lines = result.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith("pipecat: "), lines)
        self.assertIn(text, lines[0])

    def listen(self, backlog, kind=socket.SOCK_SEQPACKET):
        """Returns a socket of Python's that listens."""
        server = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(server.close)
        server.bind(self.path())
        server.listen(backlog)
        server.settimeout(harness.DEADLINE)
        return server

    # -- good -----------------------------------------------------------------------------

    def test_works_in_a_pipeline_of_the_shell(self):
        server = self.serve("--echo")
        answer = subprocess.run(
            f"printf 'a\\nb\\n' | {harness.program('pipecat')} connect {server.address} --expect 2"
            " | tr a-z A-Z",
            shell=True, stdout=subprocess.PIPE, timeout=harness.DEADLINE, check=True)
        self.assertEqual(answer.stdout, b"A\nB\n")

    def test_sends_each_line_as_a_message(self):
        server = self.serve("--echo")
        lines = b"".join(b"%d\n" % i for i in range(10000))
        result = self.talk(server, "--expect", "10000", input=lines)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(result.stdout == lines, "other lines came back")

    def test_sends_a_last_line_without_a_line_feed(self):
        server = self.serve("--echo")
        self.assertEqual(self.talk(server, "--expect", "2", input=b"one\ntwo").stdout,
                         b"one\ntwo\n")

    def test_sends_all_as_one_message(self):
        server = self.listen(1)
        result = subprocess.Popen([harness.program("pipecat"), "connect", self.path(), "--whole",
                                   "--port", harness.port],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        text = harness.real_text()
        result.stdin.write(text[:1000])
        result.stdin.flush()
        connection = server.accept()[0]
        result.stdin.write(text[1000:])
        result.stdin.close()
        result.stdin = None
        self.assertEqual(connection.recv(1 << 20), text)
        connection.send(b"thanks")
        connection.close()
        self.assertEqual(result.communicate(timeout=harness.DEADLINE)[0], b"thanks\n")
        self.assertEqual(result.returncode, 0)

    def test_sends_bytes_in_byte_mode(self):
        server = self.serve("--echo", "--mode", "byte")
        text = harness.real_text()
        result = self.talk(server, "--mode", "byte", "--expect", str(text.count(b"\n")),
                           input=text)
        self.assertEqual((result.returncode, result.stdout), (0, text))

    def test_ends_after_a_silence(self):
        server = self.serve("--echo")
        begin = time.monotonic()
        result = self.talk(server, input=b"hello\n")
        self.assertEqual((result.returncode, result.stdout), (0, b"hello\n"))
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)

    def test_waits_as_long_as_linger_says(self):
        server = self.listen(1)
        process = subprocess.Popen([harness.program("pipecat"), "connect", self.path(),
                                    "--linger", "100", "--port", harness.port],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        connection = server.accept()[0]
        self.assertFalse(select.select([process.stdout], [], [], 1)[0])
        connection.send(b"late")
        connection.close()
        self.assertEqual(process.communicate(timeout=harness.DEADLINE)[0], b"late\n")
        self.assertEqual(process.returncode, 0)

    def test_sends_no_more_than_the_server_reads(self):
        server = self.listen(1)
        process = subprocess.Popen([harness.program("pipecat"), "connect", self.path(),
                                    "--port", harness.port],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        connection = server.accept()[0]
        os.set_blocking(process.stdin.fileno(), False)
        taken = 0
        line = b"x" * 4095 + b"\n"
        while select.select([], [process.stdin], [], 1)[1]:
            taken += os.write(process.stdin.fileno(), line)
        self.assertLess(taken, 16 << 20)
        process.stdin.close()
        process.stdin = None
        count = 0
        while connection.recv(1 << 16):
            count += 1
        self.assertEqual(count * len(line), taken)
        self.assertEqual(process.wait(harness.DEADLINE), 0)
        process.stdout.close()

    def test_the_reader_of_its_output_may_leave(self):
        server = self.serve("--echo")
        process = subprocess.Popen([harness.program("pipecat"), "connect", server.address,
                                    "--port", harness.port],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"hello\n")
        process.stdout.close()
        self.assertEqual(process.wait(harness.DEADLINE), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stdin.close()
        process.stderr.close()

    def test_a_signal_ends_it(self):
        server = self.listen(1)
        process = subprocess.Popen([harness.program("pipecat"), "connect", self.path(),
                                    "--port", harness.port],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        server.accept()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=harness.DEADLINE)
        self.assertEqual(process.returncode, 0)

    # -- bad ------------------------------------------------------------------------------

    def test_reports_a_missing_pipe(self):
        self.assert_fails(self.talk(self.path(), input=b"x\n"), "no_such_pipe")
        self.assert_fails(self.talk(f"pipeactor-test-missing-{os.getpid()}"), "no_such_pipe")

    def test_reports_a_dead_server(self):
        self.listen(1).close()
        self.assert_fails(self.talk(self.path()), "no_such_pipe")

    def test_reports_a_busy_server(self):
        self.listen(0)
        waiting = self.connect(self.path())
        begin = time.monotonic()
        self.assert_fails(self.talk(self.path(), "--timeout", "0.5"), "pipe_busy")
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)
        waiting.close()

    def test_waits_for_a_busy_server(self):
        server = self.listen(0)
        self.connect(self.path())
        process = subprocess.Popen([harness.program("pipecat"), "connect", self.path(),
                                    "--timeout", "100", "--port", harness.port],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.assertFalse(select.select([process.stdout], [], [], 0.3)[0])
        server.accept()
        connection = server.accept()[0]
        connection.send(b"your turn")
        connection.close()
        self.assertEqual(process.communicate(timeout=harness.DEADLINE)[0], b"your turn\n")

    def test_reports_a_file_that_is_no_pipe(self):
        with open(self.path(), "wb"):
            self.assert_fails(self.talk(self.path()), "not_a_pipe")

    def test_reports_the_wrong_mode(self):
        server = self.serve("--echo")
        self.assert_fails(self.talk(server, "--mode", "byte"), "other mode")

    def test_reports_that_replies_are_missing(self):
        server = self.serve("--echo")
        result = self.talk(server, "--expect", "3", "--linger", "0.2", input=b"a\nb\n")
        self.assertEqual(result.stdout, b"a\nb\n")
        self.assert_fails(result, "2 of 3 expected replies came")

    def test_reports_a_message_that_is_too_long(self):
        server = self.serve("--echo")
        result = self.talk(server, "--whole", input=b"x" * (5 << 20))
        self.assert_fails(result, "1 message was not sent: message_too_large")

    def test_reports_a_server_that_hangs_up(self):
        server = self.serve("--echo", "--max-message", "100")
        self.assert_fails(self.talk(server, "--expect", "1", input=b"x" * 200), "0 of 1 expected")


if __name__ == "__main__":
    harness.run()
