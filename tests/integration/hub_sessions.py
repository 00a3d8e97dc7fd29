"""Clients of 3.1.1 whose sessions go on after a loss: they come back, and send again what was not
answered. Each has a thread."""

import socket
import struct
import threading
import time

import harness

PUBACK, PUBREC, PUBREL, PUBCOMP = 0x40, 0x50, 0x62, 0x70
WINDOW = 50  # messages of a publisher that are not answered


class Session:
    """A connection that is made again whenever it is lost, and what arrives on it."""

    def __init__(self, case, address, name):
        self.address = address
        self.name = name.encode()
        self.fault = None
        self.is_known = False
        self.ending = False
        self.socket = None
        self.buffer = b""
        self.thread = threading.Thread(target=self.run, daemon=True)
        case.addCleanup(self.end)

    def end(self):
        self.ending = True
        if self.socket:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(harness.DEADLINE)

    def run(self):
        while not self.ending:
            try:
                self.converse()
            except OSError:
                time.sleep(0.01)
            except Exception as error:  # told to the test
                self.fault = error
                return

    def converse(self):
        """One connection, until it is lost."""
        self.buffer = b""
        with socket.socket(socket.AF_UNIX) as self.socket:
            self.socket.settimeout(harness.DEADLINE)
            self.socket.connect(self.address)
            body = b"\0\4MQTT\4\0\0\0" + struct.pack(">H", len(self.name)) + self.name
            self.send(0x10, body)
            _, answer = self.packet()
            if answer[1] != 0 or answer[0] != int(self.is_known):
                raise AssertionError(f"CONNACK {answer!r}, the session is known: {self.is_known}")
            self.begin()
            self.is_known = True
            while True:
                self.handle(*self.packet())

    def send(self, first, body):
        size, rest = b"", len(body)
        while True:
            rest, low = divmod(rest, 128)
            size += bytes([low | (128 if rest else 0)])
            if not rest:
                break
        self.socket.sendall(bytes([first]) + size + body)

    def take(self, size):
        while len(self.buffer) < size:
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise ConnectionError
            self.buffer += chunk
        result, self.buffer = self.buffer[:size], self.buffer[size:]
        return result

    def packet(self):
        first = self.take(1)[0]
        size, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first, self.take(size)


class Publisher(Session):
    """Publishes numbered messages of QoS 1 and 2 in turn, until it is told to finish."""

    def __init__(self, case, address, name, topic):
        super().__init__(case, address, name)
        self.topic = topic.encode()
        self.count = 0
        self.acknowledged = []
        self.pending = {}  # packet id: first byte, body, payload
        self.finishing = False

    def begin(self):
        for first, body, _ in list(self.pending.values()):
            self.send(first if first == PUBREL else first | 8, body)
        self.fill()

    def fill(self):
        while len(self.pending) < WINDOW and not self.finishing:
            self.count += 1
            qos = 1 + self.count % 2
            packet_id = 1 + self.count % 60000
            payload = b"%s: %d of QoS %d" % (self.name, self.count, qos)
            body = (struct.pack(">H", len(self.topic)) + self.topic + struct.pack(">H", packet_id)
                    + payload)
            self.pending[packet_id] = (0x30 | qos << 1, body, payload)
            self.send(0x30 | qos << 1, body)

    def handle(self, first, body):
        packet_id = struct.unpack(">H", body[:2])[0]
        state, _, payload = self.pending.get(packet_id, (None, b"", b""))
        if first in (PUBACK, PUBREC) and state not in (None, PUBREL):
            self.acknowledged.append(payload)
        if first == PUBREC:
            self.pending[packet_id] = (PUBREL, body, payload)
            self.send(PUBREL, body)
        else:
            self.pending.pop(packet_id, None)
            self.fill()

    def is_done(self):
        return self.finishing and not self.pending


class Subscriber(Session):
    """Subscribes once, and keeps what arrives."""

    def __init__(self, case, address, name, topic, qos):
        super().__init__(case, address, name)
        self.subscription = struct.pack(">HH", 1, len(topic)) + topic.encode() + bytes([qos])
        self.received = []
        self.under_way = set()
        self.is_subscribed = threading.Event()

    def begin(self):
        if not self.is_subscribed.is_set():
            self.send(0x82, self.subscription)

    def handle(self, first, body):
        if first == 0x90:
            self.is_subscribed.set()
        elif first == PUBREL:
            self.under_way.discard(body)
            self.send(PUBCOMP, body)
        elif first & 0xF0 == 0x30:
            size = struct.unpack(">H", body[:2])[0] + 2
            packet_id, payload = body[size:size + 2], body[size + 2:]
            if first & 6 == 2:
                self.received.append(payload)
                self.send(PUBACK, packet_id)
                return
            if packet_id not in self.under_way:
                self.under_way.add(packet_id)
                self.received.append(payload)
            self.send(PUBREC, packet_id)
