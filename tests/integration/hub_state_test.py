#!/usr/bin/env python3
"""pipehub with a state file: hubs that are killed, files and disks that are in trouble."""

import os
import random
import resource
import signal
import subprocess

import harness
from hub_case import CONNECT_5, HubCase, VERSIONS, needs_mosquitto
from hub_sessions import Publisher, Subscriber


class HubStateTest(HubCase):

    def setUp(self):
        super().setUp()
        self.state = self.path("state")

    def kept_hub(self, **more):
        """Starts a hub with the state file. Its pipe is the same each time."""
        server = harness.Server(self, [], None, command=[
            harness.program("pipehub"), "serve", self.path("hub"), "--port", harness.port,
            "--state", self.state, "--queue-messages", "1000000"], **more)
        self.addCleanup(server.end)
        server.wait_until_listening()
        return server

    def kill(self, hub):
        hub.process.send_signal(signal.SIGKILL)
        hub.process.wait(harness.DEADLINE)

    def refused(self, state, **more):
        """Returns what a hub says that cannot use a state file."""
        done = subprocess.run([more.pop("tool", harness.program("pipehub")), "serve",
                               self.path("other"), "--state", state],
                              capture_output=True, timeout=harness.DEADLINE, check=False, **more)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        return done.stderr.decode()

    # -- ends of the hub -----------------------------------------------------------------

    @needs_mosquitto
    def test_what_was_acknowledged_outlives_a_hub_that_is_killed(self):
        hub = self.kept_hub()
        readers = [Subscriber(self, hub.address, f"reader {qos}", "t", qos) for qos in (1, 2)]
        publishers = [Publisher(self, hub.address, f"publisher {index}", "t") for index in (1, 2)]
        foreign = self.client(hub, "sub", "mqttv311", "-t", "t", "-q", "1", "-c", "-i", "foreign",
                              "-d")
        for reader in readers:
            reader.thread.start()
            self.assertTrue(reader.is_subscribed.wait(harness.DEADLINE))
        harness.wait_until(lambda: b"Subscribed" in self.printed(foreign), "a subscription")
        for publisher in publishers:
            publisher.thread.start()
        acknowledged = lambda: sum(len(x.acknowledged) for x in publishers)
        chance = random.Random(12)
        for _ in range(8):
            goal = acknowledged() + chance.randrange(400)
            harness.wait_until(lambda: acknowledged() > goal, "messages are acknowledged")
            self.kill(hub)
            hub = self.kept_hub()
        for publisher in publishers:
            publisher.finishing = True

        def is_complete():
            clients = readers + publishers
            self.assertEqual([x.fault for x in clients], [None] * len(clients))
            expected = {payload for x in publishers for payload in x.acknowledged}
            return (all(x.is_done() for x in publishers)
                    and all(expected <= set(x.received) for x in readers)
                    and expected <= set(self.printed(foreign).split(b"\n")))
        harness.wait_until(is_complete, "all that was acknowledged arrives")
        # Nothing of QoS 2 comes twice, or in another order.
        twice = [x for x in readers[1].received if x.endswith(b"QoS 2")]
        for publisher in publishers:
            sent = [x for x in publisher.acknowledged if x.endswith(b"QoS 2")]
            self.assertEqual([x for x in twice if x.startswith(publisher.name)], sent)

    @needs_mosquitto
    def test_state_outlives_a_hub_that_stops(self):
        for version in VERSIONS:
            hub = self.kept_hub()
            self.publish(hub, version, "-t", "state", "-m", version, "-r", "-q", "1")
            hub.stop()
        hub = self.kept_hub()
        for version in VERSIONS:
            self.assertEqual(self.payloads(self.subscribe(hub, version, "-t", "state", "-C", "1")),
                             [VERSIONS[-1].encode()])

    # -- files that cannot be used -------------------------------------------------------

    def test_a_state_file_in_use_is_refused(self):
        hub = self.kept_hub()
        self.assertIn("is in use by another hub", self.refused(self.state))
        self.kill(hub)
        self.kept_hub().stop()

    def test_a_damaged_state_file_is_refused(self):
        self.kept_hub().stop()
        with open(self.state, "r+b") as file:
            file.truncate(os.path.getsize(self.state) // 2)
        self.assertIn("is damaged", self.refused(self.state))

    @harness.needs_root
    def test_a_state_file_that_cannot_be_written_is_refused(self):
        self.kept_hub().stop()
        uid = harness.other_uid()
        tool = self.shared_program("pipehub")
        become = harness.become(uid)
        self.assertIn("cannot be used", self.refused(self.state, tool=tool, preexec_fn=become))
        os.chmod(self.state, 0o644)
        self.assertIn("cannot be used", self.refused(self.state, tool=tool, preexec_fn=become))
        self.assertIn("cannot be used: Permission denied",
                      self.refused(self.path("new"), tool=tool, preexec_fn=become))

    def test_a_full_disk_is_told_to_clients_and_once_to_the_operator(self):
        # Python ignores SIGXFSZ, and so the hub does.
        hub = self.kept_hub(restore_signals=False)
        size = os.path.getsize(self.state + "-wal")
        no_limit = resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (size, no_limit[1]))
        kept = b"\x32\x07\0\1t\0\1\0x"
        for code in (b"\xe0\x2c\x97", b"\x40\x03\0\1\x97", b"\x40\x03\0\1\x97"):
            client = self.connect_stream(hub)
            client.sendall(CONNECT_5)
            self.assertEqual(client.recv(1 << 16)[:1], b"\x20")
            client.sendall(b"\x33" + kept[1:])
            self.assertEqual(client.recv(1 << 16)[:len(code)], code)
            client.close()
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, no_limit)
        hub.wait_for_log("the state file can be written again")
        client = self.connect_stream(hub)
        client.sendall(CONNECT_5 + b"\x33" + kept[1:])
        harness.wait_until(lambda: b"\x40\x03\0\1\x10" in client.recv(1 << 16), "a PUBACK")
        self.assertEqual(hub.log().count("cannot be written"), 1)
        self.kill(hub)
        hub = self.kept_hub()
        client = self.connect_stream(hub)
        client.sendall(CONNECT_5 + b"\x82\x07\0\1\0\0\1t\0")
        harness.wait_until(lambda: b"\0\1t\0x" in client.recv(1 << 16), "the message")


if __name__ == "__main__":
    harness.run()
