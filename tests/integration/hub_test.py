#!/usr/bin/env python3
"""pipehub with clients that are not ours: mosquitto's, and plain sockets."""

import signal
import socket
import subprocess

import harness
from hub_case import (CONNACK, CONNECT, CONNECT_5, DISCONNECT, PUBLISH, SUBACK, SUBSCRIBE, VERSIONS,
                      HubCase, needs_mosquitto)


class Hub(HubCase):

    # -- mosquitto's clients ------------------------------------------------------------

    @needs_mosquitto
    def test_mosquitto_publishes_to_mosquitto(self):
        hub = self.hub()
        for version in VERSIONS:
            for qos in ("0", "1", "2"):
                with self.subTest(version=version, qos=qos):
                    reader = self.subscribe(hub, version, "-t", "a/+", "-q", qos, "-C", "100", "-v")
                    lines = b"".join(b"line %d\n" % index for index in range(100))
                    self.publish(hub, version, "-t", "a/b", "-q", qos, "-l", input=lines)
                    self.assertEqual(self.payloads(reader),
                                     [b"a/b line %d" % index for index in range(100)])

    @needs_mosquitto
    def test_the_versions_meet(self):
        hub = self.hub()
        for theirs, ours in (VERSIONS, VERSIONS[::-1]):
            reader = self.subscribe(hub, theirs, "-t", "#", "-C", "1", "-q", "2")
            self.publish(hub, ours, "-t", "t", "-m", "hello", "-q", "2")
            self.assertEqual(self.payloads(reader), [b"hello"])

    @needs_mosquitto
    def test_a_retained_message_comes_later(self):
        hub = self.hub()
        self.publish(hub, "mqttv311", "-t", "state", "-m", "on", "-r", "-q", "1")
        for version in VERSIONS:
            self.assertEqual(self.payloads(self.subscribe(hub, version, "-t", "state", "-C", "1")),
                             [b"on"])

    @needs_mosquitto
    def test_a_session_waits_for_its_client(self):
        hub = self.hub()
        for version, more in (("mqttv311", ()), ("mqttv5", ("-x", "60"))):
            options = ("-t", "t", "-q", "1", "-i", version, "-c", *more)
            first = self.subscribe(hub, version, *options)
            first.terminate()
            first.wait(harness.DEADLINE)
            self.publish(hub, version, "-t", "t", "-m", "later", "-q", "1")
            again = self.client(hub, "sub", version, *options, "-C", "1")
            self.assertEqual(self.payloads(again), [b"later"])

    @needs_mosquitto
    def test_the_will_of_a_killed_client_comes_at_once(self):
        hub = self.hub()
        for version in VERSIONS:
            reader = self.subscribe(hub, version, "-t", "will", "-C", "1")
            dying = self.subscribe(hub, version, "-t", "x", "-k", "600", "--will-topic", "will",
                                   "--will-payload", "gone")
            dying.kill()
            self.assertEqual(self.payloads(reader), [b"gone"])

    @needs_mosquitto
    def test_a_request_is_answered(self):
        hub = self.hub()
        worker = self.subscribe(hub, "mqttv5", "-t", "ask", "-C", "1", "-F", "%R %p")
        asking = self.client(hub, "rr", "mqttv5", "-t", "ask", "-e", "answer/1", "-m", "6*7",
                             "-W", str(harness.DEADLINE))
        self.assertEqual(self.payloads(worker), [b"answer/1 6*7"])
        self.publish(hub, "mqttv5", "-t", "answer/1", "-m", "42")
        self.assertEqual(self.payloads(asking), [b"42"])

    @needs_mosquitto
    def test_a_large_message_arrives_whole(self):
        hub = self.hub()
        text = harness.real_text() * 100
        reader = self.subscribe(hub, "mqttv5", "-t", "file", "-C", "1", "-N", "-q", "1")
        self.publish(hub, "mqttv5", "-t", "file", "-s", "-q", "1", input=text)
        self.assertIn(text, self.finish(reader))

    # -- plain sockets -------------------------------------------------------------------

    def test_a_message_holds_whole_packets(self):
        hub = self.hub("--mode", "message")
        with self.connect(hub) as client:
            client.send(CONNECT + SUBSCRIBE)
            client.send(PUBLISH + PUBLISH)
            received = b""
            while len(received) < len(CONNACK + SUBACK + PUBLISH + PUBLISH):
                received += client.recv(1 << 16)
            self.assertEqual(received, CONNACK + SUBACK + PUBLISH + PUBLISH)

    def test_a_wrong_packet_ends_its_connection_alone(self):
        hub = self.hub()
        good = self.connect_stream(hub)
        good.sendall(CONNECT + SUBSCRIBE)
        bad = self.connect_stream(hub)
        bad.sendall(CONNECT + b"\x36\x00")
        self.assertEqual(b"".join(harness.receive_all(bad)), CONNACK)
        good.sendall(PUBLISH)
        expected = CONNACK + SUBACK + PUBLISH
        received = b""
        while len(received) < len(expected):
            received += good.recv(1 << 16)
        self.assertEqual(received, expected)

    def test_a_client_that_still_writes_reads_why_it_was_disconnected(self):
        hub = self.hub()
        client = self.connect_stream(hub)
        client.sendall(CONNECT_5 + b"\x36\x00")
        received = b""
        while b"\xe0" not in received:
            received += client.recv(1 << 16)
        client.sendall(b"\xc0\x00" * 1000)
        self.assertIn(b"\x81", received)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1 << 16), b"")
        # One that does not close its end is closed.
        stubborn = self.connect_stream(hub)
        stubborn.sendall(CONNECT_5 + b"\x36\x00")
        self.assertIn(b"\xe0", b"".join(harness.receive_all(stubborn)))

    def test_the_hub_ends_cleanly(self):
        for end in (signal.SIGTERM, signal.SIGINT):
            hub = self.hub()
            client = self.connect_stream(hub)
            # 5.0: the hub says why it closes the connection.
            client.sendall(CONNECT_5)
            self.assertEqual(client.recv(1 << 16)[:1], b"\x20")
            hub.stop(end)
            self.assertEqual(b"".join(harness.receive_all(client)), b"\xe0\x01\x8b")

    def test_a_second_hub_is_refused(self):
        hub = self.hub()
        done = subprocess.run([harness.program("pipehub"), "serve", hub.address],
                              capture_output=True, timeout=harness.DEADLINE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"pipe_in_use", done.stderr)
        with self.connect_stream(hub) as client:
            client.sendall(CONNECT + DISCONNECT)
            self.assertEqual(b"".join(harness.receive_all(client)), CONNACK)

    def test_a_client_that_does_not_read_stops_nobody(self):
        hub = self.hub("--queue-messages", "10")
        stalled = self.connect_stream(hub)
        stalled.sendall(CONNECT + SUBSCRIBE)
        reader = self.connect_stream(hub)
        reader.sendall(CONNECT + SUBSCRIBE)
        publisher = self.connect_stream(hub)
        publisher.sendall(CONNECT)
        body = b"\x00\x01t" + b"x" * 60000
        packet = b"\x30\xe3\xd4\x03" + body
        self.assertEqual(len(body), 60003)
        received = 0
        for _ in range(1500):
            publisher.sendall(packet)
            received += len(packet)
            while received > 0:
                received -= len(reader.recv(min(received, 1 << 20)))
        self.assertLess(hub.resident_bytes(), 48 << 20)


if __name__ == "__main__":
    harness.run()
