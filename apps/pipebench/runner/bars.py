"""The bars for pipeactor: ratios to peers in the same round that a change must not lose."""

from dataclasses import dataclass
from statistics import median

import report
from servers import PIPEACTOR

SPEED = "messages_per_second"
CPU = "server_cpu_us_per_message"


@dataclass(frozen=True)
class Bar:
    work: str
    sizes: tuple
    connections: tuple
    in_flight: tuple
    limit: float
    to: str = ""  # the peer it is a ratio to; empty: an absolute figure
    key: str = SPEED
    server: str = PIPEACTOR
    poll: bool = False
    at_most: bool = False

    def is_about(self, cell):
        return (cell["work"] == self.work and cell["size"] in self.sizes
                and cell["connections"] in self.connections
                and cell["in_flight"] in self.in_flight and cell["poll"] == self.poll
                and not cell["rate"] and cell["part"] == "compared")


SMALL = (64, 1024)
KIB16, KIB128 = (16 << 10,), (128 << 10,)


def echo(limit, to, sizes=SMALL, connections=(64, 256), in_flight=(1, 16), **more):
    return Bar("echo", sizes, connections, in_flight, limit, to, **more)


BARS = (
    echo(1.7, "libuv"), echo(0.85, "io_uring"), echo(2, "epoll"), echo(4, "zmq", in_flight=(1,)),
    echo(1.7, "libuv", KIB16, (64,)), echo(0.85, "io_uring", KIB16, (64,)),
    echo(2.5, "zmq", KIB16, (64,)),
    echo(1.3, "libuv", KIB128, (64,)), echo(0.8, "io_uring", KIB128, (64,)),
    echo(2.5, "zmq", KIB128, (64,)),
    echo(1.5, "libuv", (64,), (1000,)), echo(0.6, "io_uring", (64,), (1000,)),
    echo(0.9, "libuv", (64,), (1,)), echo(0.9, "io_uring", (64,), (1,)),
    echo(3, "libuv", (64,), (1,), poll=True), echo(0.85, "io_uring", (64,), (1,), poll=True),
    echo(0.8, "libuv", (64,), (64,), server="pipeactor marshalled"),
    echo(0.85, "epoll mmsg", (64,), (64,), server="pipeactor epoll"),
    *(Bar("broadcast", (64,), (64, 256), (16,), limit, to)
      for limit, to in ((2.3, "libuv"), (0.8, "io_uring"), (0.7, "zmq"), (3, "nng"))),
    echo(0.6, "libuv", (64,), (64,), (1,), key=CPU, at_most=True),
    echo(1.2, "io_uring", (64,), (64,), (1,), key=CPU, at_most=True),
    echo(0.15, "", (64,), (64,), (1,), key="syscalls_per_message", at_most=True),
    echo(0.05, "", (64,), (64,), (16,), key="syscalls_per_message", at_most=True),
    Bar("idle", (64,), (1000,), (1,), 8192, "", key="server_bytes_per_connection", at_most=True),
)

WORDS = {SPEED: "messages/s", CPU: "CPU per message",
         "syscalls_per_message": "system calls per message",
         "server_bytes_per_connection": "bytes per connection"}


def table(entries):
    """Returns the lines of the bars' table, in Markdown, of those that were measured."""
    lines = []
    for bar in BARS:
        for entry in entries:
            if bar.is_about(entry["cell"]):
                lines += line(bar, entry["cell"], entry["results"])
    if not lines:
        return []
    return ["| workload | figure | bar | found | rounds | |", "|---|---|---|---|---|---|", *lines]


def line(bar, cell, results):
    found = (report.ratios(results, bar.server, bar.to, bar.key) if bar.to
             else report.values(results, bar.server, bar.key))
    if not found:
        return
    middle = median(found)
    met = middle <= bar.limit if bar.at_most else middle >= bar.limit
    figure = WORDS[bar.key] + (f", {bar.server} to {bar.to}" if bar.to else "")
    number = ",.0f" if bar.limit > 100 else ".2f"
    yield (f"| {cell['name']} | {figure} | {'<=' if bar.at_most else '>='} {bar.limit:g} "
           f"| {middle:{number}} | {min(found):{number}} to {max(found):{number}} "
           f"| {'met' if met else 'MISSED'} |")
