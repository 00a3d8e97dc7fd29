#!/usr/bin/env python3
"""One client of the soak test: soak_client.py ROLE ADDRESS SECONDS SEED. Exits with 1 and a
text where it was not served as it ought to be, else prints how many messages it checked."""

import os
import random
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
import harness

LONGEST_MESSAGE = 20_000


class Client:
    """Connections to one server, until the time is over."""

    def __init__(self, address, seconds, seed):
        self.address = address
        self.end = time.monotonic() + seconds
        self.seed = seed
        self.random = random.Random(seed)
        self.checked = 0

    def has_time(self):
        return time.monotonic() < self.end

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(self.address)
        client.settimeout(harness.DEADLINE)
        return client

    def message(self, longest=LONGEST_MESSAGE):
        return self.random.randbytes(self.random.randint(1, longest))

    def check(self, condition, what):
        if not condition:
            sys.exit(f"seed {self.seed}: {what}")
        self.checked += 1

    # -- clients that are served, whatever others do -------------------------------------------

    def polite(self):
        """Comes, sends, reads every reply, goes, and comes again."""
        while self.has_time():
            with self.connect() as client:
                rounds = self.random.randint(1, 20)
                while rounds > 0 and self.has_time():
                    rounds -= 1
                    messages = [self.message() for _ in range(self.random.randint(1, 32))]
                    replies = harness.exchange(client, messages, window=8)
                    for sent, received in zip(messages, replies):
                        self.check(sent == received, "a reply is not what was sent")

    def speaker(self):
        """Broadcasts numbered messages, and hears each of its own."""
        with self.connect() as client:
            number = heard = 0
            while self.has_time() or heard < number:
                if self.has_time() and number - heard < 32:
                    client.send(b"number %d" % number)
                    number += 1
                elif (message := client.recv(1 << 20)).startswith(b"number "):
                    self.check(message == b"number %d" % heard, f"{message} came, not {heard}")
                    heard += 1

    def listener(self):
        """Hears what the speaker says, nothing missing and in order."""
        expected = None
        with self.connect() as client:
            while self.has_time():
                if not select.select([client], [], [], 0.1)[0]:
                    continue
                message = client.recv(1 << 20)
                self.check(message, "the server closed")
                if message.startswith(b"number "):
                    number = int(message.split()[1])
                    self.check(expected in (None, number), f"{number} came, not {expected}")
                    expected = number + 1

    # -- clients that misbehave ----------------------------------------------------------------

    def send_until_blocked(self, client, message):
        client.setblocking(False)
        try:
            while self.has_time():
                client.send(message)
        except (BlockingIOError, ConnectionError):
            pass

    def restless(self):
        """Comes and goes, reading what it is sent or not."""
        while self.has_time():
            with self.connect() as client:
                for _ in range(self.random.randint(0, 4)):
                    client.send(self.message(100))
                if self.random.random() < 0.3:
                    select.select([client], [], [], 0.05)
            time.sleep(0.002)

    def deaf(self):
        """Sends as much as it can, and never reads."""
        while self.has_time():
            with self.connect() as client:
                self.send_until_blocked(client, self.message())
                time.sleep(self.random.random())
                self.send_until_blocked(client, self.message())

    def flood(self):
        """Sends as fast as it can and reads all that comes; is killed while it does."""
        with self.connect() as client:
            while self.has_time():
                self.send_until_blocked(client, self.message(1000))
                try:
                    while client.recv(1 << 20):
                        pass
                except BlockingIOError:
                    pass
                time.sleep(0.01)


if __name__ == "__main__":
    role, address, seconds, seed = sys.argv[1:]
    the_client = Client(address, float(seconds), int(seed))
    getattr(the_client, role)()
    print(the_client.checked)
