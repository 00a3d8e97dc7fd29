#!/usr/bin/env python3
"""A crowd in chaos: chaos_client.py BIN_DIR MODE ADDRESS SECONDS COUNT SEED [--restarts]

Forks COUNT clients of an echo server, which behave well and badly, and kills, stops and resumes
them at random; who is killed is replaced. With --restarts the server may die: clients then come
back, and what was under way may be lost. Prints a line for each fault it made, counted, and how many
echoes were checked; exits with 1 if a client was not served as it ought to be.
"""

import collections
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
import zlib

LONGEST_MESSAGE = 8192
PATIENCE = 30  # seconds for one echo, stopped clients aside
HEADER = 12    # number and checksum of a frame, see frame()


class Lost(Exception):
    """The server is gone, or was not there."""


def frame(random_source, number):
    """Returns a message with its number, length and checksum."""
    body = random_source.randbytes(random_source.randint(0, LONGEST_MESSAGE))
    check = zlib.crc32(body)
    return number.to_bytes(4, "big") + len(body).to_bytes(4, "big") + check.to_bytes(4, "big") + body


class Client:

    def __init__(self, tool, mode, address, end, seed, restarts):
        self.tool = tool
        self.mode = mode
        self.address = address
        self.end = end
        self.random = random.Random(seed)
        self.restarts = restarts
        self.checked = 0

    def has_time(self):
        return time.monotonic() < self.end

    def connect(self):
        kind = socket.SOCK_SEQPACKET if self.mode == "message" else socket.SOCK_STREAM
        while True:
            client = socket.socket(socket.AF_UNIX, kind)
            try:
                client.connect(self.address)
                return client
            except OSError:
                client.close()
                if not self.restarts or not self.has_time():
                    raise Lost() from None
                time.sleep(0.02)

    # -- who behaves well ----------------------------------------------------------------------

    def receive(self, client, size):
        """Returns `size` bytes of a stream, or the next message."""
        if not select.select([client], [], [], PATIENCE)[0]:
            raise AssertionError(f"no echo for {PATIENCE} s")
        if self.mode == "message":
            result = client.recv(1 << 20)
        else:
            result = b""
            while len(result) < size and (piece := client.recv(size - len(result))):
                result += piece
        if len(result) < size:
            raise Lost()
        return result

    def steady(self):
        """Sends numbered frames, some at a time, and reads each echo."""
        number = 0
        while self.has_time():
            try:
                with self.connect() as client:
                    while self.has_time():
                        frames = [frame(self.random, number + index)
                                  for index in range(self.random.randint(1, 8))]
                        for one in frames:
                            client.sendall(one)
                        for one in frames:
                            echo = self.receive(client, len(one))
                            assert echo == one, f"frame {number} came back as another one"
                            number += 1
                            self.checked += 1
                        time.sleep(self.random.uniform(0, 0.02))
            except (Lost, ConnectionError):
                if not self.restarts:
                    raise

    def ours(self):
        """`pipecat connect`: lines there and back."""
        while self.has_time():
            lines = [f"{self.random.random()}\n" for _ in range(self.random.randint(1, 50))]
            done = subprocess.run(
                [self.tool, "connect", self.address, "--mode", self.mode, "--expect",
                 str(len(lines)), "--linger", str(PATIENCE)],
                input="".join(lines), capture_output=True, text=True, check=False)
            if done.returncode != 0 and self.restarts:
                continue
            assert done.returncode == 0, done.stderr
            assert done.stdout == "".join(lines), "lines were lost or changed"
            self.checked += len(lines)

    # -- who behaves badly ---------------------------------------------------------------------

    def send_until_blocked(self, client):
        client.setblocking(False)
        try:
            while self.has_time():
                client.send(frame(self.random, 0))
        except BlockingIOError:
            pass

    def each_time(self, behave):
        while self.has_time():
            try:
                with self.connect() as client:
                    behave(client)
            except (Lost, ConnectionError):
                pass
            time.sleep(self.random.uniform(0, 0.05))

    def resetting(self):
        """Leaves with echoes unread."""
        def behave(client):
            for number in range(self.random.randint(0, 20)):
                client.send(frame(self.random, number))
        self.each_time(behave)

    def mute(self):
        """Sends all that it can, and never reads."""
        def behave(client):
            self.send_until_blocked(client)
            time.sleep(self.random.uniform(0, 1))
            self.send_until_blocked(client)
        self.each_time(behave)

    def flooding(self):
        """Sends all that it can, and reads all that comes."""
        def behave(client):
            for _ in range(50):
                self.send_until_blocked(client)
                try:
                    while client.recv(1 << 20):
                        pass
                except BlockingIOError:
                    pass
        self.each_time(behave)

    def half(self):
        """Begins a frame, and stops in the middle; or closes its writing half only."""
        def behave(client):
            client.send(frame(self.random, 0)[:HEADER // 2])
            if self.random.random() < 0.5:
                client.shutdown(socket.SHUT_WR)
            time.sleep(self.random.uniform(0, 0.5))
        self.each_time(behave)


ROLES = ("steady", "steady", "steady", "ours", "resetting", "mute", "flooding", "half")


class Crowd:

    def __init__(self, tool, mode, address, seconds, count, seed, restarts):
        self.client_options = (tool, mode, address, time.monotonic() + seconds)
        self.restarts = restarts
        self.end = time.monotonic() + seconds
        self.random = random.Random(seed)
        self.seed = seed
        self.children = {}  # pid: its role
        self.stopped = {}   # pid: when it goes on
        self.faults = collections.Counter()
        self.results, self.results_in = os.pipe()
        for index in range(count):
            self.fork(ROLES[index % len(ROLES)])

    def fork(self, role):
        self.seed += 1
        pid = os.fork()
        if pid != 0:
            self.children[pid] = role
            return
        status = 1
        try:
            client = Client(*self.client_options, self.seed, self.restarts)
            getattr(client, role)()
            os.write(self.results_in, b"%d\n" % client.checked)
            status = 0
        except BaseException as error:  # pylint: disable=broad-except
            print(f"{role}, seed {self.seed}: {error!r}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)

    def pick(self):
        free = [pid for pid in self.children if pid not in self.stopped]
        return self.random.choice(free) if free else None

    def misbehave(self):
        now = time.monotonic()
        for pid in [pid for pid, when in self.stopped.items() if when <= now]:
            del self.stopped[pid]
            os.kill(pid, signal.SIGCONT)
        victim = self.pick()
        if victim is None:
            return
        if self.random.random() < 0.5:
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            self.fork(self.children.pop(victim))
            self.faults["killed"] += 1
        else:
            os.kill(victim, signal.SIGSTOP)
            self.stopped[victim] = now + self.random.uniform(0, 1)
            self.faults["stopped"] += 1

    def run(self):
        while time.monotonic() < self.end:
            self.misbehave()
            time.sleep(self.random.uniform(0, 0.05))
        for pid in self.stopped:
            os.kill(pid, signal.SIGCONT)
        failed = 0
        for pid, role in self.children.items():
            failed += os.waitpid(pid, 0)[1] != 0
            self.faults[role] += 1
        os.close(self.results_in)
        with os.fdopen(self.results) as file:
            checked = sum(int(line) for line in file)
        print(json.dumps({"checked": checked, "failed": failed, **self.faults}))
        return failed == 0


if __name__ == "__main__":
    bin_dir, mode, address, seconds, count, seed, *rest = sys.argv[1:]
    crowd = Crowd(os.path.join(bin_dir, "pipecat"), mode, address, float(seconds), int(count),
                  int(seed), rest == ["--restarts"])
    sys.exit(0 if crowd.run() else 1)
