#!/usr/bin/env python3
"""The examples: each is started, talked to and stopped by the return key."""

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


if __name__ == "__main__":
    harness.run()
