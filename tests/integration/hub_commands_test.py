#!/usr/bin/env python3
"""pipehub's own client commands: pub, sub, req, reply."""

import base64
import json
import os
import signal
import subprocess
import tempfile
import threading

import harness
from hub_case import HubCase, needs_mosquitto

FAILED, USAGE, LATE, UNHEARD = 1, 2, 3, 4


class Commands(HubCase):

    def start(self, hub, *arguments, **more):
        output, errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.addCleanup(output.close)
        self.addCleanup(errors.close)
        address = getattr(hub, "address", hub)
        name, *rest = arguments
        more.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(
            [harness.program("pipehub"), name, "--pipe", address, "--port", harness.port, *rest],
            stdout=output, stderr=errors, **more)
        process.output, process.errors = output, errors
        self.addCleanup(self.kill, process)
        return process

    @staticmethod
    def kill(process):
        if process.poll() is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        process.wait()

    @staticmethod
    def printed(process):
        return os.pread(process.output.fileno(), 1 << 26, 0)

    @staticmethod
    def said(process):
        return os.pread(process.errors.fileno(), 1 << 20, 0).decode()

    def subscribe(self, hub, *arguments, name="sub", **more):
        """Starts sub or reply, and returns when the hub has the subscription."""
        process = self.start(hub, name, "--announce", *arguments, **more)
        self.wait_for(process, "SUBSCRIBED\n")
        return process

    def wait_for(self, process, text):
        harness.wait_until(lambda: text in self.said(process) or process.poll() is not None, text)
        self.assertIn(text, self.said(process))

    def result(self, process, code=0):
        """Waits for the end of a command, and returns what it printed."""
        self.assertEqual(process.wait(harness.DEADLINE), code, self.said(process))
        return self.printed(process)

    def run_command(self, hub, *arguments, code=0, input=b""):
        process = self.start(hub, *arguments, stdin=subprocess.PIPE)
        process.communicate(input, harness.DEADLINE)
        return self.result(process, code)

    # -- publishing and subscribing -------------------------------------------------------

    def test_a_message_of_each_qos_arrives(self):
        hub = self.hub()
        for qos in "012":
            reader = self.subscribe(hub, "a/+", "-q", qos, "-C", "1", "-v")
            self.run_command(hub, "pub", "a/b", "hello there", "-q", qos)
            self.assertEqual(self.result(reader), b"a/b hello there\n")

    def test_lines_arrive_in_order(self):
        hub = self.hub("--queue-messages", "100000")
        lines = b"".join(b"line %d\n" % index for index in range(20000))
        for qos in "012":
            reader = self.subscribe(hub, "t", "-q", qos, "-C", "20000")
            self.run_command(hub, "pub", "t", "--lines", "-q", qos, input=lines)
            self.assertEqual(self.result(reader), lines)

    def test_standard_input_is_a_message(self):
        hub = self.hub()
        text = harness.real_text() * 20
        for payload in ((), ("-",)):
            reader = self.subscribe(hub, "file", "-C", "1", "-q", "1")
            self.run_command(hub, "pub", "file", *payload, "-q", "1", input=text)
            self.assertEqual(self.result(reader), text + b"\n")

    def test_a_message_is_published_so_many_times(self):
        hub = self.hub("--queue-messages", "100000")
        reader = self.subscribe(hub, "t", "-q", "1", "-C", "10000")
        self.run_command(hub, "pub", "t", "x", "--count", "10000", "-q", "1")
        self.assertEqual(self.result(reader), b"x\n" * 10000)

    def test_a_retained_message_comes_later(self):
        hub = self.hub()
        self.run_command(hub, "pub", "state", "on", "--retain", "-q", "1")
        self.assertEqual(self.result(self.subscribe(hub, "state", "-C", "1")), b"on\n")

    def test_a_share_gets_each_message_once(self):
        hub = self.hub()
        workers = [self.subscribe(hub, "jobs", "--share", "g", "-q", "1") for _ in range(2)]
        lines = b"".join(b"%d\n" % index for index in range(1000))
        self.run_command(hub, "pub", "jobs", "--lines", "-q", "1", input=lines)
        harness.wait_until(lambda: sum(self.printed(x).count(b"\n") for x in workers) >= 1000,
                           "all messages")
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        printed = [self.result(worker).split() for worker in workers]
        self.assertEqual(sorted(int(x) for part in printed for x in part), list(range(1000)))
        self.assertTrue(all(printed))

    def test_json_tells_everything(self):
        hub = self.hub()
        reader = self.subscribe(hub, "#", "-q", "1", "-C", "2", "--json")
        self.run_command(hub, "pub", "t", 'a "quoted" text', "-q", "1")
        self.run_command(hub, "pub", "t", input=b"\xff\x00\x01\x02")
        first, second = [json.loads(line) for line in self.result(reader).splitlines()]
        self.assertEqual(first, {"topic": "t", "qos": 1, "retain": False,
                                 "payload": 'a "quoted" text'})
        self.assertEqual(base64.b64decode(second["payload_base64"]), b"\xff\x00\x01\x02")

    @needs_mosquitto
    def test_json_tells_the_properties(self):
        hub = self.hub()
        reader = self.subscribe(hub, "t", "-C", "1", "--json")
        HubCase.finish(self, self.client(
            hub, "pub", "mqttv5", "-t", "t", "-m", "x", "-D", "publish", "content-type", "text",
            "-D", "publish", "response-topic", "back", "-D", "publish", "correlation-data", "7",
            "-D", "publish", "user-property", "a", "b"))
        told = json.loads(self.result(reader))
        self.assertEqual((told["content_type"], told["response_topic"], told["correlation_data"],
                          told["user_properties"]), ("text", "back", "7", [["a", "b"]]))

    @needs_mosquitto
    def test_mosquitto_hears_and_is_heard(self):
        hub = self.hub()
        ours = self.subscribe(hub, "t", "-C", "1", "-q", "2")
        theirs = self.client(hub, "sub", "mqttv311", "-t", "t", "-C", "1", "-d")
        harness.wait_until(lambda: b"Subscribed" in self.printed(theirs), "a subscription")
        self.run_command(hub, "pub", "t", "x", "-q", "2")
        self.assertEqual(self.result(ours), b"x\n")
        self.assertIn(b"x\n", HubCase.finish(self, theirs))

    def test_a_slow_reader_is_told_its_losses(self):
        hub = self.hub("--queue-messages", "10")
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        process = subprocess.Popen(
            [harness.program("pipehub"), "sub", "--pipe", hub.address, "t", "--announce"],
            stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.addCleanup(process.stderr.close)
        self.addCleanup(self.kill, process)
        self.assertEqual(process.stderr.readline(), b"SUBSCRIBED\n")
        # More than the pipe, both queues and the sockets hold.
        self.run_command(hub, "pub", "t", "x" * 100000, "--count", "800")
        received = []
        drained = threading.Thread(target=self.drain, args=(reader, received))
        drained.start()
        said = process.stderr.readline()
        self.assertRegex(said, rb"^pipehub: \d+ messages before this one were lost")
        process.terminate()
        drained.join(harness.DEADLINE)
        self.assertEqual(process.wait(harness.DEADLINE), 0)

    @staticmethod
    def drain(fd, received):
        while chunk := os.read(fd, 1 << 20):
            received.append(len(chunk))

    # -- requests -----------------------------------------------------------------------

    def test_a_request_is_answered(self):
        hub = self.hub()
        echo = self.subscribe(hub, "echo", "--echo", name="reply")
        self.assertEqual(self.run_command(hub, "req", "echo", "hello"), b"hello\n")
        self.assertEqual(self.run_command(hub, "req", "echo", "-", input=b"a\nb"), b"a\nb\n")
        echo.send_signal(signal.SIGINT)
        self.assertEqual(self.result(echo), b"")

    def test_a_command_answers(self):
        hub = self.hub()
        self.subscribe(hub, "upper", "--exec", "tr a-z A-Z", name="reply")
        self.assertEqual(self.run_command(hub, "req", "upper", "hello"), b"HELLO\n")
        self.subscribe(hub, "no", "--exec", "echo partly; exit 3", name="reply")
        asking = self.start(hub, "req", "no", "x")
        self.assertEqual(self.result(asking, FAILED), b"partly\n")
        self.assertIn("exit code 3", self.said(asking))

    def test_a_command_gets_input_that_is_large(self):
        hub = self.hub()
        text = harness.real_text()
        self.subscribe(hub, "t", "--exec", "wc -c; kill -TERM $$; echo too late", name="reply")
        asking = self.start(hub, "req", "t", "-", stdin=subprocess.PIPE)
        asking.communicate(text, harness.DEADLINE)
        self.assertEqual(self.result(asking, FAILED).split(), [b"%d" % len(text)])
        self.assertIn("signal 15", self.said(asking))

    def test_a_request_that_nobody_hears_fails_at_once(self):
        hub = self.hub()
        asking = self.start(hub, "req", "nobody", "x", "-W", "1000")
        self.result(asking, UNHEARD)
        self.assertIn("nobody listens on nobody", self.said(asking))

    def test_a_request_without_answer_ends_in_time(self):
        hub = self.hub()
        self.subscribe(hub, "t")
        self.result(self.start(hub, "req", "t", "x", "-W", "0.1"), LATE)

    @needs_mosquitto
    def test_mosquitto_asks(self):
        hub = self.hub()
        self.subscribe(hub, "echo", "--echo", name="reply")
        asking = self.client(hub, "rr", "mqttv5", "-t", "echo", "-e", "back", "-m", "6*7",
                             "-W", str(harness.DEADLINE))
        self.assertEqual(HubCase.finish(self, asking), b"6*7\n")

    # -- ends ---------------------------------------------------------------------------

    def test_time_is_over(self):
        hub = self.hub()
        self.result(self.start(hub, "sub", "t", "-W", "0.1"), 0)
        self.result(self.start(hub, "sub", "t", "-W", "0.1", "-C", "1"), LATE)

    def test_without_a_hub_each_command_fails(self):
        for command in (("pub", "t", "x"), ("sub", "t"), ("req", "t", "x"),
                        ("reply", "t", "--echo")):
            process = self.start(self.path("none"), *command)
            self.result(process, FAILED)
            self.assertIn("no_such_pipe", self.said(process))

    def test_wrong_usage_is_refused(self):
        for command in (("pub", "a/+"), ("pub", "t", "x", "--lines"), ("pub", "t", "-q", "3"),
                        ("pub", "t", "--count", "-1"), ("sub",), ("sub", "a#"), ("sub", ""),
                        ("sub", "t", "--share", "a/b"), ("req", "t"), ("reply", "t"),
                        ("reply", "t", "--echo", "--exec", "x")):
            self.result(self.start(self.path("none"), *command), USAGE)

    def test_a_message_that_is_too_long_is_refused(self):
        hub = self.hub("--max-packet", "1000")
        process = self.start(hub, "pub", "t", "x" * 2000)
        self.result(process, FAILED)
        self.assertIn("the hub takes 1000", self.said(process))

    def test_sub_ends_with_its_reader(self):
        hub = self.hub()
        process = subprocess.Popen(
            [harness.program("pipehub"), "sub", "--pipe", hub.address, "t", "--announce"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(self.kill, process)
        self.assertEqual(process.stderr.readline(), b"SUBSCRIBED\n")
        process.stdout.close()
        self.assertEqual(process.wait(harness.DEADLINE), 0)

    # -- a hub that goes and comes back -------------------------------------------------

    def test_subscribers_come_back(self):
        hub = self.hub()
        reader = self.subscribe(hub, "t", "-C", "2", "-q", "1")
        self.run_command(hub, "pub", "t", "before", "-q", "1")
        hub.process.kill()
        hub.process.wait()
        self.wait_for(reader, "trying again")
        again = self.hub()
        harness.wait_until(lambda: self.said(reader).count("SUBSCRIBED") == 2, "its return")
        self.run_command(again, "pub", "t", "after", "-q", "1")
        self.assertEqual(self.result(reader), b"before\nafter\n")

    def test_a_publisher_waits_for_the_hub(self):
        hub = self.hub()
        reader = self.subscribe(hub, "t", "-C", "1")
        publisher = self.start(hub, "pub", "t", "--lines", "-q", "1", stdin=subprocess.PIPE)
        publisher.stdin.write(b"first\n")
        publisher.stdin.flush()
        self.assertEqual(self.result(reader), b"first\n")
        hub.process.kill()
        hub.process.wait()
        self.wait_for(publisher, "trying again")
        publisher.stdin.write(b"second\n")
        publisher.stdin.close()
        again = self.hub()
        reader = self.subscribe(again, "#", "-C", "1")
        self.run_command(again, "pub", "t", "last", "-q", "1")
        self.assertIn(self.result(reader), (b"second\n", b"last\n"))
        self.result(publisher)

    def test_the_hubs_end_is_no_failure(self):
        hub = self.hub()
        reader = self.subscribe(hub, "t", "-C", "1")
        hub.stop()
        self.wait_for(reader, "trying again")
        again = self.hub()
        harness.wait_until(lambda: self.said(reader).count("SUBSCRIBED") == 2, "its return")
        self.run_command(again, "pub", "t", "x", "-q", "1")
        self.assertEqual(self.result(reader), b"x\n")


if __name__ == "__main__":
    harness.run()
