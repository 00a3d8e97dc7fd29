#!/usr/bin/env python3
"""The examples: each is started, talked to and stopped by the return key."""

import subprocess

import harness


class Examples(harness.Case):

    def start(self, name):
        server = harness.Server(self, [], self.path(),
                                command=[harness.program(name), self.path()])
        self.addCleanup(server.end)
        server.wait_until_listening()
        return server

    def press_return(self, server):
        server.process.stdin.write(b"\n")
        server.process.stdin.flush()
        server.finish()

    def test_echo_server(self):
        server = self.start("echo_server")
        messages = [b"message %d" % i for i in range(1000)]
        self.assertEqual(harness.exchange(self.connect(server), messages), messages)
        self.press_return(server)

    def test_configured_server(self):
        program = [harness.program("configured_server"), "--name=" + self.path()]
        server = harness.Server(self, [], self.path(),
                                command=[*program, f"--pipeactor.port={harness.port}",
                                         "--pipeactor.threads=2"])
        self.addCleanup(server.end)
        server.wait_until_listening()
        messages = [b"message %d" % i for i in range(100)]
        self.assertEqual(harness.exchange(self.connect(server), messages), messages)
        self.press_return(server)
        wrong = subprocess.run([*program, "--pipeactor.port=kqueue"], capture_output=True,
                               stdin=subprocess.DEVNULL, timeout=harness.DEADLINE, check=False)
        self.assertIn(b"pipeactor.port: use auto, io_uring, epoll or iocp", wrong.stderr)

    def test_session_state(self):
        server = self.start("session_state")
        first, second = self.connect(server), self.connect(server)
        for client in (first, second):
            self.assertTrue(client.recv(100).startswith(b"hello, pid "))
        first.send(b"12345")
        self.assertEqual(first.recv(100), b"message 1, 5 bytes so far")
        first.send(b"678")
        self.assertEqual(first.recv(100), b"message 2, 8 bytes so far")
        second.send(b"my own count")
        self.assertEqual(second.recv(100), b"message 1, 12 bytes so far")
        first.close()
        self.assertIn(b"2 messages and left: closed_by_peer", server.read_until(b"connection\n"))
        self.press_return(server)

    def test_broadcast_chat(self):
        server = self.start("broadcast_chat")
        ann = self.connect(server)
        self.assertEqual(ann.recv(100), b"guest 1 joins")
        bob = self.connect(server)
        self.assertEqual([x.recv(100) for x in (ann, bob)], [b"guest 2 joins"] * 2)
        bob.send(b"hi all")
        self.assertEqual([x.recv(100) for x in (ann, bob)], [b"guest 2: hi all"] * 2)
        bob.close()
        self.assertEqual(ann.recv(100), b"guest 2 leaves")
        self.press_return(server)

    def test_plain_host(self):
        server = self.start("plain_host")
        first, second = self.connect(server), self.connect(server)
        for number, client in enumerate([first, second, first], 1):
            client.send(b"anything")
            self.assertEqual(client.recv(100), b"message %d" % number)
        self.press_return(server)
        server.read_until(b"3 messages in all\n")

    def test_manual_reads(self):
        server = self.start("manual_reads")
        client = self.connect(server)
        client.setblocking(False)
        messages = []
        # Nobody reads the replies: soon the server reads no more requests.
        with self.assertRaises(BlockingIOError):
            for index in range(1_000_000):
                message = b"%08d" % index
                client.send(message)
                messages.append(message)
        client.settimeout(harness.DEADLINE)
        self.assertEqual([client.recv(100) for _ in messages],
                         [message[::-1] for message in messages])
        self.press_return(server)

    def test_hand_off(self):
        server = self.start("hand_off")
        busy, other = self.connect(server), self.connect(server)
        for limit in (2_000_000, 100):
            busy.send(b"%d" % limit)
        other.send(b"10")
        self.assertEqual(other.recv(100), b"4 primes below 10")
        self.assertEqual(busy.recv(100), b"148933 primes below 2000000")
        self.assertEqual(busy.recv(100), b"25 primes below 100")
        self.press_return(server)

    def test_hand_off_of_a_client_that_does_not_wait(self):
        server = self.start("hand_off")
        with self.connect(server) as client:
            client.send(b"1000000")
        self.press_return(server)

    def test_request_reply(self):
        done = subprocess.run([harness.program("request_reply"), self.path()], check=False,
                              capture_output=True, timeout=harness.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual([line for line in lines if line.startswith(b"sent")],
                         [b"sent 1", b"sent 2", b"sent 3"])
        self.assertEqual([line for line in lines if not line.startswith(b"sent")],
                         [b"a port: 6 bytes", b"an actor: 8 bytes", b"a pipe: 6 bytes"])

    def test_remote_connection(self):
        server = harness.Server(self, [], self.path(),
                                command=[harness.program("remote_connection"), "serve",
                                         self.path(), "0"])
        self.addCleanup(server.end)
        server.wait_until_listening()
        server.read_until(b"PORT ")
        number = server.read_until(b"\n").strip()
        first, second = self.connect(server), self.connect(server)

        def greet():
            done = subprocess.run([harness.program("remote_connection"), "greet", number],
                                  check=True, capture_output=True, timeout=harness.DEADLINE)
            return sorted(done.stdout.splitlines())

        # The server may not have accepted both yet.
        harness.wait_until(lambda: greet() == [b"greeted client 1", b"greeted client 2"],
                           "both clients greeted")
        for client in (first, second):
            self.assertEqual(client.recv(100), b"greetings")
        self.press_return(server)

    def test_supervised_server(self):
        server = self.start("supervised_server")
        client = self.connect(server)
        self.assertEqual(harness.exchange(client, [b"before"]), [b"before"])
        server.process.stdin.write(b"die\n")
        server.process.stdin.flush()
        server.read_until(b"ENDED ")
        server.read_until(b"LISTENING ")
        self.assertEqual(client.recv(100), b"")
        self.assert_echoes(server)
        self.press_return(server)

    def test_supervised_server_that_takes_over(self):
        server = self.start("supervised_server")
        standby = harness.Server(self, [], self.path(),
                                 command=[harness.program("supervised_server"), self.path()])
        self.addCleanup(standby.end)
        standby.read_until(b"WAITING pipe_in_use")
        server.process.kill()
        standby.read_until(b"LISTENING " + self.path().encode() + b"\n")
        self.assert_echoes(server.address)
        standby.address = server.address
        self.press_return(standby)


if __name__ == "__main__":
    harness.run()
