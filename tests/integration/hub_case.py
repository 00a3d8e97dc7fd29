"""What the tests of pipehub have in common: hubs, and clients of other people."""

import os
import shutil
import subprocess
import tempfile
import unittest

import harness

VERSIONS = ("mqttv311", "mqttv5")

# Packets of 3.1.1: a CONNECT with a clean session and an empty identifier, and its answer.
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"
CONNECT_5 = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01a"
CONNACK = b"\x20\x02\x00\x00"
SUBSCRIBE = b"\x82\x06\x00\x01\x00\x01t\x00"
SUBACK = b"\x90\x03\x00\x01\x00"
PUBLISH = b"\x30\x06\x00\x01tabc"
DISCONNECT = b"\xe0\x00"


def needs_mosquitto(case):
    return unittest.skipUnless(shutil.which("mosquitto_sub"),
                               "needs mosquitto's clients: run scripts/setup.sh")(case)


class HubCase(harness.Case):

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
