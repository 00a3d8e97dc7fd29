#!/usr/bin/env python3
"""pipehub with clients that are not ours: mosquitto's, and plain sockets."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

VERSIONS = ("mqttv311", "mqttv5")

# Packets of 3.1.1: a CONNECT with a clean session and an empty identifier, and its answer.
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"
CONNACK = b"\x20\x02\x00\x00"
SUBSCRIBE = b"\x82\x06\x00\x01\x00\x01t\x00"
SUBACK = b"\x90\x03\x00\x01\x00"
PUBLISH = b"\x30\x06\x00\x01tabc"
DISCONNECT = b"\xe0\x00"


def needs_mosquitto(case):
    return unittest.skipUnless(shutil.which("mosquitto_sub"),
                               "needs mosquitto's clients: run scripts/setup.sh")(case)


class Hub(harness.Case):

    def hub(self, *options):
        """Starts a hub, and returns when clients may connect."""
        path = self.path()
        server = harness.Server(self, [], path, command=[
            harness.program("pipehub"), "serve", path, "--port", harness.port, *options])
        self.addCleanup(server.end)
        server.wait_until_listening()
        return server

    def client(self, hub, name, version, *arguments):
        # Without stdbuf mosquitto_sub keeps what it prints to a file until it ends.
        command = ["stdbuf", "-oL", f"mosquitto_{name}", "--unix", hub.address, "-V", version,
                   *arguments]
        output = tempfile.TemporaryFile()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output,
                                   stderr=subprocess.STDOUT)
        process.output = output
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()
        process.output.close()

    @staticmethod
    def printed(process):
        return os.pread(process.output.fileno(), 1 << 26, 0)

    def finish(self, process, input=b""):
        """Waits for the end of a client, and returns what it printed."""
        process.communicate(input, harness.DEADLINE)
        self.assertEqual(process.returncode, 0, self.printed(process)[-300:])
        return self.printed(process)

    def subscribe(self, hub, version, *arguments):
        """Starts mosquitto_sub, and returns when the hub has its subscription."""
        process = self.client(hub, "sub", version, "-d", *arguments)
        harness.wait_until(lambda: b"Subscribed" in self.printed(process), "a subscription")
        return process

    def publish(self, hub, version, *arguments, input=b""):
        self.finish(self.client(hub, "pub", version, *arguments), input)

    def payloads(self, process):
        """Returns the lines that mosquitto_sub printed until its end, without its diagnostics."""
        return [line for line in self.finish(process).split(b"\n")
                if line and not line.startswith((b"Client ", b"Subscribed"))]

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

    def test_the_hub_ends_cleanly(self):
        for end in (signal.SIGTERM, signal.SIGINT):
            hub = self.hub()
            client = self.connect_stream(hub)
            # 5.0: the hub says why it closes the connection.
            client.sendall(b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01a")
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
