#!/usr/bin/env python3
"""`pipecat listen --echo` and clients of Python's."""

import socket

import harness


class Echo(harness.Case):

    def assert_size_echoes(self, size):
        server = self.serve("--echo")
        client = self.connect(server)
        harness.largest_message(client)
        message = bytes(i * 7 % 251 for i in range(min(size, 4096))) * (size // 4096 + 1)
        message = message[:size]
        for _ in range(3):
            client.send(message)
            self.assertEqual(client.recv(1 << 23), message)
        server.stop()

    def test_echoes_1_byte(self):
        self.assert_size_echoes(1)

    def test_echoes_64_KiB(self):
        self.assert_size_echoes(65536)

    def test_echoes_128_KiB_less_one(self):
        self.assert_size_echoes(131071)

    def test_echoes_128_KiB(self):
        self.assert_size_echoes(131072)

    def test_echoes_128_KiB_and_one(self):
        self.assert_size_echoes(131073)

    def test_echoes_the_longest_message_of_a_stock_system(self):
        self.assert_size_echoes(212960)

    def test_echoes_the_longest_message_that_the_system_grants(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            self.assert_size_echoes(harness.largest_message(probe))

    def test_receives_an_empty_message_as_a_message(self):
        server = self.serve("--echo")
        client = self.connect(server)
        for text in (b"", b"one", b"", b"", b"two"):
            client.send(text)
        # Nothing is sent for an empty reply; the connection lives on.
        self.assertEqual(client.recv(100), b"one")
        self.assertEqual(client.recv(100), b"two")

    def test_echoes_a_text_file_line_by_line(self):
        server = self.serve("--echo")
        lines = [line for line in harness.real_text().splitlines(keepends=True)]
        self.assertEqual(harness.exchange(self.connect(server), lines), lines)

    def test_echoes_a_text_file_as_one_message(self):
        server = self.serve("--echo")
        text = harness.real_text()
        self.assertEqual(harness.exchange(self.connect(server), [text]), [text])

    def test_keeps_10000_messages_in_order(self):
        server = self.serve("--echo", "--threads", "2")
        messages = [b"message %d" % i for i in range(10000)]
        self.assertEqual(harness.exchange(self.connect(server), messages, window=200), messages)

    def test_keeps_messages_apart_that_were_sent_at_once(self):
        server = self.serve("--echo")
        client = self.connect(server)
        sizes = [1, 5000, 2, 131073, 3, 65536, 4, 100]
        self.assertEqual([len(x) for x in harness.exchange(client, [b"x" * n for n in sizes])],
                         sizes)

    def test_serves_64_clients_on_4_threads(self):
        server = self.serve("--echo", "--threads", "4")
        clients = [self.connect(server) for _ in range(64)]
        for turn in range(20):
            for i, client in enumerate(clients):
                client.send(b"%d of %d" % (turn, i))
            for i, client in enumerate(clients):
                self.assertEqual(client.recv(100), b"%d of %d" % (turn, i))
        server.stop()

    def test_echoes_through_one_ordinary_actor(self):
        server = self.serve("--echo", "--marshalled")
        messages = [b"message %d" % i for i in range(2000)]
        self.assertEqual(harness.exchange(self.connect(server), messages), messages)
        server.stop()

    def test_echoes_while_polling(self):
        server = self.serve("--echo", "--spin-us", "200")
        messages = [b"message %d" % i for i in range(2000)]
        self.assertEqual(harness.exchange(self.connect(server), messages, window=1), messages)
        server.stop()

    def test_answers_after_a_half_close(self):
        server = self.serve("--echo")
        client = self.connect(server)
        for i in range(100):
            client.send(b"%d" % i)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(harness.receive_all(client), [b"%d" % i for i in range(100)])

    def test_answers_all_bytes_after_a_half_close_in_byte_mode(self):
        server = self.serve("--echo", "--mode", "byte")
        client = self.connect_stream(server)
        text = harness.real_text()
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(b"".join(harness.receive_all(client)), text)

    def test_echoes_20_MB_in_byte_mode(self):
        server = self.serve("--echo", "--mode", "byte")
        client = self.connect_stream(server)
        chunk = bytes(range(256)) * 256
        count = 320
        received = bytearray()
        for i in range(count):
            client.sendall(chunk)
            while len(received) < (i - 16) * len(chunk):
                received += client.recv(1 << 20)
        client.shutdown(socket.SHUT_WR)
        received += b"".join(harness.receive_all(client))
        self.assertTrue(received == chunk * count, "other bytes came back")


if __name__ == "__main__":
    harness.run()
