#!/usr/bin/env python3
"""A client for demo.sh, on Python's own sockets. It uses nothing of pipeactor.

    demo_client.py echo PATH FILE TIMES    sends each line of FILE as a message, TIMES times
                                           over, and compares what comes back
    demo_client.py send PATH FILE          sends each line without its line feed
    demo_client.py receive PATH COUNT      prints COUNT messages, a line each
"""

import socket
import sys
import time

BURST = 64  # messages that are sent before their replies are read


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(path)
    return client


def echo(path, file, times):
    with open(file, "rb") as text:
        messages = text.read().splitlines(keepends=True) * int(times)
    client = connect(path)
    replies = []
    begin = time.monotonic()
    for first in range(0, len(messages), BURST):
        burst = messages[first:first + BURST]
        for message in burst:
            client.send(message)
        replies += [client.recv(1 << 20) for _ in burst]
    seconds = time.monotonic() - begin
    if replies != messages:
        sys.exit("other bytes came back")
    print(f"{len(messages)} messages, {sum(map(len, messages))} bytes, "
          f"{len(messages) / seconds:,.0f} messages/s")


def send(path, file):
    client = connect(path)
    with open(file, "rb") as text:
        messages = text.read().splitlines()
    for message in messages:
        client.send(message)
    # The broadcast reaches its sender too: once the last message is back, the server has all.
    for message in messages:
        if client.recv(1 << 20) != message:
            sys.exit("other bytes came back")


def receive(path, count):
    client = connect(path)
    for _ in range(int(count)):
        sys.stdout.buffer.write(client.recv(1 << 20) + b"\n")


if __name__ == "__main__":
    {"echo": echo, "send": send, "receive": receive}[sys.argv[1]](*sys.argv[2:])
