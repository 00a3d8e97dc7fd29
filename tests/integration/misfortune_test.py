#!/usr/bin/env python3
"""Clients that misbehave or have bad luck: others are served, and nothing is lost or leaks."""

import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time

import harness

# Sends numbered messages without end; says so after the first thousand.
ENDLESS_CLIENT = """
import socket, sys
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.connect(sys.argv[1])
number = 0
while True:
    client.send(b"%d" % number)
    number += 1
    if number == 1000:
        print("under way", flush=True)
"""

# Many threads that connect and leave at once, again and again.
CONNECT_AND_CLOSE = """
import socket, sys, threading
def churn():
    for _ in range(300):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(sys.argv[1])
        client.close()
threads = [threading.Thread(target=churn) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def flood(client, message):
    """Sends until the server takes nothing more for a while; returns how much it took."""
    client.setblocking(False)
    taken = 0
    while select.select([], [client], [], 1)[1]:
        try:
            taken += client.send(message)
        except BlockingIOError:
            continue
    return taken


class Misfortune(harness.Case):

    def test_1000_clients_that_connect_and_close_leave_nothing_behind(self):
        server = self.serve("--echo")
        self.assert_echoes(server)
        with self.connect(server) as client:
            client.send(b"first")
            client.recv(100)
            before = server.descriptors() - 1
        for _ in range(1000):
            self.connect(server).close()
        self.assert_echoes(server)
        harness.wait_until(lambda: server.descriptors() <= before,
                           f"no more than {before} descriptors again")
        server.stop()

    def test_clients_that_come_faster_than_they_are_served_wait_outside(self):
        server = self.serve("--echo")
        self.assert_echoes(server)
        before = server.descriptors()
        crowd = [subprocess.Popen([sys.executable, "-c", CONNECT_AND_CLOSE, server.address])
                 for _ in range(4)]
        most = 0
        while any(client.poll() is None for client in crowd):
            most = max(most, server.descriptors())
        self.assertEqual([client.returncode for client in crowd], [0] * len(crowd))
        # 16 that nobody has dealt with, and those whose end the server has not seen yet: some
        # hundreds, more on a slow machine. A server that takes in all that comes holds all 19,200.
        self.assertLess(most, before + 4800)
        self.assert_echoes(server)
        harness.wait_until(lambda: server.descriptors() <= before,
                           f"no more than {before} descriptors again")
        server.stop()

    def test_a_client_killed_in_a_burst_is_read_to_its_last_message(self):
        server = self.serve("-v")
        client = subprocess.Popen([sys.executable, "-c", ENDLESS_CLIENT, server.address],
                                  stdout=subprocess.PIPE)
        client.stdout.readline()
        client.send_signal(signal.SIGKILL)
        client.wait()
        client.stdout.close()
        server.wait_for_log("client 1 left: closed_by_peer")
        with self.connect(server) as other:
            other.send(b"the end")
        numbers = server.read_until(b"the end\n").split()[:-2]
        self.assertGreaterEqual(len(numbers), 1000)
        self.assertEqual(numbers, [b"%d" % i for i in range(len(numbers))])

    def test_the_last_words_of_a_client_that_resets_are_received(self):
        server = self.serve("-v")
        client = self.connect(server)
        server.wait_for_log("client 1 connected")
        server.process.stdin.write(b"never read\n")
        server.process.stdin.flush()
        self.assertTrue(select.select([client], [], [], harness.DEADLINE)[0])
        for i in range(100):
            client.send(b"word %d" % i)
        client.close()  # with unread data: the server's side sees a reset
        self.assertEqual(server.read_until(b"word 99\n"),
                         b"".join(b"word %d\n" % i for i in range(100)))
        server.wait_for_log("client 1 left")

    def test_the_last_bytes_of_a_client_that_resets_are_received(self):
        server = self.serve("-v", "--mode", "byte")
        client = self.connect_stream(server)
        server.wait_for_log("client 1 connected")
        server.process.stdin.write(b"never read\n")
        server.process.stdin.flush()
        self.assertTrue(select.select([client], [], [], harness.DEADLINE)[0])
        text = harness.real_text()
        client.sendall(text)
        client.close()
        self.assertEqual(server.read_until(text[-1000:]), text)

    def test_a_client_that_never_reads_holds_nobody_up(self):
        server = self.serve("--echo")
        with self.connect(server) as client:
            harness.exchange(client, [b"x" * 65536] * 64)
        before = server.resident_bytes()
        deaf = self.connect(server)
        taken = flood(deaf, b"x" * 65536)
        # The server stops reading from it, rather than to hoard what it cannot send.
        self.assertLess(taken, 32 << 20)
        self.assertLess(server.resident_bytes() - before, 64 << 20)
        messages = [b"%d" % i for i in range(1000)]
        self.assertEqual(harness.exchange(self.connect(server), messages), messages)
        busy = server.cpu_seconds()
        self.assertFalse(select.select([], [deaf], [], 0.5)[1])
        self.assertLess(server.cpu_seconds() - busy, 0.2, "it spins")
        server.stop()

    def test_a_client_that_begins_to_read_late_gets_everything(self):
        server = self.serve("--echo")
        client = self.connect(server)
        message = b"x" * 10000
        count = flood(client, message) // len(message)
        client.settimeout(harness.DEADLINE)
        for _ in range(count):
            self.assertEqual(client.recv(1 << 20), message)
        client.send(b"and on")
        self.assertEqual(client.recv(100), b"and on")

    def test_a_flooding_client_does_not_starve_another(self):
        server = self.serve("--echo")
        flooder = subprocess.Popen([sys.executable, "-c", ENDLESS_CLIENT.replace(
            "number += 1", "number += 1; number % 100 or [client.recv(99) for _ in range(100)]"),
            server.address], stdout=subprocess.PIPE)
        self.addCleanup(flooder.stdout.close)
        self.addCleanup(flooder.wait)
        self.addCleanup(flooder.kill)
        flooder.stdout.readline()
        client = self.connect(server)
        begin = time.monotonic()
        messages = [b"%d" % i for i in range(100)]
        self.assertEqual(harness.exchange(client, messages, window=1), messages)
        self.assertLess(time.monotonic() - begin, 5)

    def test_a_message_over_the_limit_ends_its_client_only(self):
        server = self.serve("-v", "--max-message", "1000")
        other = self.connect(server)
        client = self.connect(server)
        client.send(b"x" * 1000)
        client.send(b"before")
        client.send(b"x" * 1001)
        try:
            self.assertEqual(client.recv(1 << 16), b"")
        except ConnectionResetError:
            pass
        server.wait_for_log("client 2 left: message_too_large")
        self.assertEqual(server.read_until(b"before\n"), b"x" * 1000 + b"\nbefore\n")
        other.send(b"not me")
        self.assertEqual(server.read_until(b"\n"), b"not me\n")
        server.stop()

    def test_200_clients_are_served_with_64_descriptors(self):
        limits = {resource.RLIMIT_NOFILE: 64}
        server = self.serve("--echo", preexec_fn=harness.become(None, limits))
        clients = [self.connect(server) for _ in range(200)]
        for client in clients:
            client.send(b"hello")
        served = []
        while len(served) < 200:
            ready = select.select(clients, [], [], harness.DEADLINE)[0]
            self.assertTrue(ready, f"after {len(served)} clients no further one is served")
            if not served:
                # As many as there are descriptors; the others wait, and so does the server.
                harness.wait_until(lambda: server.descriptors() >= 64, "all 64 descriptors")
                busy = server.cpu_seconds()
                time.sleep(1)  # a span to measure over
                self.assertLess(server.cpu_seconds() - busy, 0.3, "it spins")
            for client in ready:
                self.assertEqual(client.recv(100), b"hello")
                client.close()
                clients.remove(client)
                served.append(client)
        server.stop()

    def test_descriptors_that_a_client_sends_along_are_closed(self):
        server = self.serve("--echo")
        client = self.connect(server)
        client.send(b"first")
        client.recv(100)
        before = server.descriptors()
        for _ in range(100):
            client.sendmsg([b"take these"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                              struct.pack("2i", 0, 1))])
            self.assertEqual(client.recv(100), b"take these")
        harness.wait_until(lambda: server.descriptors() <= before, "no descriptor of the client's")
        server.stop()

    def test_an_idle_server_sleeps(self):
        server = self.serve("--echo")
        clients = [self.connect(server) for _ in range(50)]
        for client in clients:
            client.send(b"hello")
            client.recv(100)
        busy, wake_ups = server.cpu_seconds(), server.wake_ups()
        time.sleep(1)  # a span to measure over
        self.assertLess(server.cpu_seconds() - busy, 0.1)
        # Each thread of CAF's default scheduler would wake up a hundred times or more.
        self.assertLess(server.wake_ups() - wake_ups, 50)


if __name__ == "__main__":
    harness.run()
