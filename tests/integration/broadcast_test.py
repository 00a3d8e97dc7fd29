#!/usr/bin/env python3
"""One message for many: `pipecat listen --broadcast`, and plain `pipecat listen`."""

import socket
import threading

import harness


class Broadcast(harness.Case):

    def connect_and_join(self, server, count):
        """Returns clients that the server knows of: a broadcast reaches only those."""
        clients = [self.connect(server) for _ in range(count)]
        for number in range(1, count + 1):
            server.wait_for_log(f"client {number} connected")
        return clients

    def test_reaches_every_client_and_the_sender(self):
        server = self.serve("--broadcast", "-v")
        clients = self.connect_and_join(server, 5)
        clients[2].send(b"to all")
        self.assertEqual([client.recv(100) for client in clients], [b"to all"] * 5)
        server.stop()

    def test_reaches_clients_on_all_threads(self):
        server = self.serve("--broadcast", "-v", "--threads", "4")
        clients = self.connect_and_join(server, 16)
        for i in range(100):
            clients[i % 16].send(b"%d" % i)
            self.assertEqual([client.recv(100) for client in clients], [b"%d" % i] * 16)
        server.stop()

    def test_keeps_the_order_of_one_sender(self):
        server = self.serve("--broadcast", "-v")
        clients = self.connect_and_join(server, 3)
        messages = [b"message %d" % i for i in range(5000)]
        sending = threading.Thread(target=lambda: [clients[0].send(x) for x in messages])
        sending.start()
        # One after the other: the server waits for the slowest.
        received = [[] for _ in clients]
        for _ in messages:
            for i, client in enumerate(clients):
                received[i].append(client.recv(100))
        sending.join()
        self.assertEqual(received, [messages] * 3)

    def test_goes_on_without_a_client_that_never_reads(self):
        server = self.serve("--broadcast", "-v")
        deaf, sender, reader = self.connect_and_join(server, 3)
        message = b"x" * 60000
        count = 400  # 24 MB: more than may wait for one client
        got = []

        def read(client):
            got.append(sum(len(client.recv(1 << 20)) for _ in range(count)))

        readers = [threading.Thread(target=read, args=[x]) for x in (sender, reader)]
        for thread in readers:
            thread.start()
        for _ in range(count):
            sender.send(message)
        for thread in readers:
            thread.join(harness.DEADLINE)
        self.assertEqual(got, [count * len(message)] * 2)
        server.wait_for_log("client 1 left: queue_full")
        deaf.close()
        server.stop()


class Plain(harness.Case):

    def test_prints_what_clients_send(self):
        server = self.serve()
        first, second = self.connect(server), self.connect(server)
        first.send(b"one")
        self.assertEqual(server.read_until(b"\n"), b"one\n")
        second.send(b"two\nlines")
        self.assertEqual(server.read_until(b"lines\n"), b"two\nlines\n")
        server.stop()

    def test_sends_its_lines_to_every_client(self):
        server = self.serve("-v")
        clients = [self.connect(server) for _ in range(3)]
        server.wait_for_log("client 3 connected")
        server.process.stdin.write(b"one\n\ntwo\nwithout an end")
        server.process.stdin.close()
        for client in clients:
            self.assertEqual([client.recv(100) for _ in range(3)],
                             [b"one", b"two", b"without an end"])
        # The end of its input does not end it.
        clients[0].send(b"still there?")
        self.assertEqual(server.read_until(b"\n"), b"still there?\n")
        server.process.stdin = None
        server.stop()

    def test_feeds_a_client_that_reads_slowly_with_100000_lines(self):
        server = self.serve("-v")
        client = self.connect(server)
        server.wait_for_log("client 1 connected")
        lines = [b"%d" % i for i in range(100000)]

        def feed():
            server.process.stdin.write(b"\n".join(lines) + b"\n")
            server.process.stdin.flush()

        feeding = threading.Thread(target=feed)
        feeding.start()
        self.assertEqual([client.recv(100) for _ in lines], lines)
        feeding.join()
        server.stop()

    def test_prints_10000_messages_in_order(self):
        server = self.serve()
        client = self.connect(server)
        for i in range(10000):
            client.send(b"%d" % i)
        client.close()
        self.assertEqual(server.read_until(b"9999\n"),
                         b"".join(b"%d\n" % i for i in range(10000)))

    def test_passes_bytes_on_as_they_come_in_byte_mode(self):
        server = self.serve("-v", "--mode", "byte")
        client = self.connect(server, socket.SOCK_STREAM)
        server.wait_for_log("client 1 connected")
        client.sendall(b"no line feed")
        self.assertEqual(server.read_until(b"no line feed"), b"no line feed")
        server.process.stdin.write(b"neither\nhere")
        server.process.stdin.flush()
        received = b""
        while len(received) < len(b"neither\nhere"):
            received += client.recv(100)
        self.assertEqual(received, b"neither\nhere")


if __name__ == "__main__":
    harness.run()
