#!/usr/bin/env python3
"""Many clients: all at once, and held for a long time. The clients live in this process, the
server in one of its own."""

import contextlib
import os
import resource
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
import harness

AT_ONCE = 1000
HELD = 10_000
SPARE_DESCRIPTORS = 100
BYTES_PER_IDLE_CONNECTION = 8192


def raise_limit(wanted):
    """Raises the limit of open files for this process and its children; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, PermissionError):
            pass
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = max(soft, min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def held_clients():
    """Returns how many clients this host allows, at most HELD."""
    count = min(HELD, raise_limit(HELD + SPARE_DESCRIPTORS) - SPARE_DESCRIPTORS)
    if count < HELD:
        print(f"WARNING: this host allows {count} connections only, NOT {HELD}: raise the hard "
              f"limit of open files (ulimit -Hn)", file=sys.stderr, flush=True)
    if count < HELD // 20:
        raise unittest.SkipTest("the limit of open files is too low to prove anything")
    return count


def connect(address):
    """Returns a socket that has waited for its turn: one with a time-out would be told that
    the server is busy."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(address)
    client.settimeout(harness.DEADLINE)
    return client


class Crowd(harness.Case):

    def connect_crowd(self, server, count):
        crowd = []
        self.addCleanup(lambda: [client.close() for client in crowd])
        for _ in range(count):
            crowd.append(connect(server.address))
        return crowd

    def exchange_all(self, clients):
        for client in clients:
            client.send(b"are you there?")
        for client in clients:
            self.assertEqual(client.recv(100), b"are you there?")

    def assert_returns_to(self, descriptors, server):
        harness.wait_until(lambda: server.descriptors() <= descriptors,
                           f"no more than {descriptors} descriptors again")

    def test_1000_clients_that_connect_at_once_are_all_served(self):
        raise_limit(AT_ONCE + SPARE_DESCRIPTORS)
        server = self.serve("--echo", "--threads", "2")
        self.assert_echoes(server)
        before = server.descriptors()
        replies = [None] * AT_ONCE
        ready = threading.Barrier(AT_ONCE + 1)
        done = threading.Barrier(AT_ONCE + 1)

        def talk(index):
            ready.wait()
            try:
                with connect(server.address) as client:
                    client.send(b"I am %d" % index)
                    replies[index] = client.recv(100)
                    done.wait()
            except OSError as err:
                replies[index] = err
                done.abort()
            except threading.BrokenBarrierError:
                pass

        threads = [threading.Thread(target=talk, args=[index]) for index in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        ready.wait()
        # Nobody leaves before all were served, or one has failed.
        with contextlib.suppress(threading.BrokenBarrierError):
            done.wait()
        for thread in threads:
            thread.join()
        self.assertEqual(replies, [b"I am %d" % index for index in range(AT_ONCE)])
        self.assert_returns_to(before, server)
        server.stop()

    def hold_idle_connections(self, *options):
        count = held_clients()
        server = self.serve("--echo", *options)
        # One-time costs of the first clients: buffers, pools, pages of the program.
        crowd = self.connect_crowd(server, 200)
        self.exchange_all(crowd)
        descriptors = server.descriptors() - len(crowd)
        for client in crowd:
            client.close()
        self.assert_returns_to(descriptors, server)
        memory = server.anonymous_bytes()

        crowd = self.connect_crowd(server, count)
        harness.wait_until(lambda: server.descriptors() >= descriptors + count,
                           f"{count} connections accepted")
        # The last one is answered after all others have been opened.
        self.exchange_all(crowd[-1:])
        idle = (server.anonymous_bytes() - memory) / count
        self.exchange_all(crowd)
        used = (server.anonymous_bytes() - memory) / count
        print(f"{count} connections: {idle:.0f} bytes each when idle, {used:.0f} when each has "
              f"sent a message", file=sys.stderr, flush=True)
        self.assertLessEqual(idle, BYTES_PER_IDLE_CONNECTION)
        self.assertLessEqual(used, BYTES_PER_IDLE_CONNECTION)
        for client in crowd:
            client.close()
        self.assert_returns_to(descriptors, server)
        server.stop()

    def test_10000_idle_connections_take_8_kib_each_at_most(self):
        self.hold_idle_connections()

    def test_10000_idle_connections_of_a_handler_take_8_kib_each_at_most(self):
        self.hold_idle_connections("--marshalled")


if __name__ == "__main__":
    harness.run()
