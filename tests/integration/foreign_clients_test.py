#!/usr/bin/env python3
"""Clients that are not ours and not Python's either: socat, nc, curl, node."""

import shutil
import subprocess
import unittest

import harness


def needs(name):
    return unittest.skipUnless(shutil.which(name), f"needs {name}: run scripts/setup.sh")


# Sends standard input, half-closes and prints what comes back.
NODE_CLIENT = """
const connection = require("net").connect({ path: process.argv[1], allowHalfOpen: true });
process.stdin.pipe(connection);
connection.pipe(process.stdout);
connection.on("error", (error) => { console.error(error); process.exit(1); });
"""


class ForeignClients(harness.Case):

    def run_client(self, *command, input):
        return subprocess.run(command, input=input, stdout=subprocess.PIPE,
                              timeout=harness.DEADLINE, check=True).stdout

    @needs("socat")
    def test_socat_gets_a_file_back_as_messages(self):
        server = self.serve("--echo")
        text = harness.real_text()
        for size in (1000, 8192, 100000):
            # Its end of file is a half close: socat then waits 5 s at most for the rest.
            answer = self.run_client("socat", "-t", "5", "-b", str(size), "-",
                                     f"UNIX-CONNECT:{server.address},type=5", input=text)
            self.assertEqual(answer, text)

    @needs("socat")
    def test_socat_gets_a_file_back_as_bytes(self):
        server = self.serve("--echo", "--mode", "byte")
        text = harness.real_text() * 20
        answer = self.run_client("socat", "-t", "5", "-", f"UNIX-CONNECT:{server.address}",
                                 input=text)
        self.assertEqual(answer, text)

    @needs("nc")
    def test_nc_that_half_closes_gets_the_whole_answer(self):
        server = self.serve("--echo", "--mode", "byte")
        text = harness.real_text() * 20
        self.assertEqual(self.run_client("nc", "-N", "-U", server.address, input=text), text)

    @needs("node")
    def test_node_gets_its_bytes_back(self):
        server = self.serve("--echo", "--mode", "byte")
        text = harness.real_text() * 20
        answer = self.run_client("node", "-e", NODE_CLIENT, "--", server.address, input=text)
        self.assertEqual(answer, text)

    @needs("curl")
    def test_curl_sees_its_own_request(self):
        server = self.serve("--echo", "--mode", "byte")
        # An echo is no HTTP server: curl takes what comes for an answer of HTTP/0.9, until it
        # gives up waiting for the end, which a server that echoes cannot know.
        curl = subprocess.run(["curl", "--silent", "--http0.9", "--max-time", "1", "--no-buffer",
                               "--unix-socket", server.address, "http://pipe/a/path"],
                              capture_output=True, timeout=harness.DEADLINE, check=False)
        self.assertIn(b"GET /a/path HTTP/1.1\r\nHost: pipe\r\n", curl.stdout)

    @needs("curl")
    def test_curl_uploads_to_a_server_that_prints(self):
        server = self.serve("--mode", "byte")
        text = harness.real_text()
        curl = subprocess.Popen(["curl", "--silent", "--http0.9", "--data-binary", "@-",
                                 "--header", "Expect:", "--unix-socket", server.address,
                                 "http://pipe/upload"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        curl.stdin.write(text)
        curl.stdin.close()
        curl.stdin = None
        self.assertIn(b"POST /upload HTTP/1.1", server.read_until(b"\r\n\r\n"))
        self.assertIn(text, server.read_until(text[-2000:]))
        # The answer is typed at the server.
        server.process.stdin.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks")
        server.process.stdin.flush()
        self.assertEqual(curl.communicate(timeout=harness.DEADLINE)[0], b"thanks")
        self.assertEqual(curl.returncode, 0)


if __name__ == "__main__":
    harness.run()
