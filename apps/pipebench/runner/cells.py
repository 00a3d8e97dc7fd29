"""The measurements: a cell is one workload at one size, for several servers."""

from dataclasses import dataclass, replace

from servers import BEFORE, PIPEACTOR, REFERENCE

KIB = 1024


@dataclass(frozen=True)
class Cell:
    work: str = "echo"
    connections: int = 64
    size: int = 64
    in_flight: int = 1
    rate: int = 0
    # Neither the server nor the load sleeps.
    poll: bool = False
    bridges: int = 1
    # Of the connections, how many exchange messages; 0: all.
    active: int = 0
    servers: tuple = (REFERENCE, PIPEACTOR, "io_uring")
    # Which plot of growth it is a point of, and its place there.
    growth: str = ""
    place: int = 0
    # Where it is shown: "compared" in a table of its own; "grid", "history" and "growth" in one
    # table with others of its kind.
    part: str = "compared"

    @property
    def name(self):
        if self.work == "starting":
            return self.work
        parts = [self.work, f"{in_bytes(self.size)}", f"{self.connections} conn"]
        if self.work in ("echo", "broadcast"):
            parts.append(f"{self.in_flight} in flight")
        if self.work == "writing":
            parts.append(f"{self.place} writer{'s' if self.place > 1 else ''}")
        if self.rate:
            parts.append(f"{self.rate}/s")
        if self.poll:
            parts.append("spin")
        if self.bridges > 1:
            parts.append(f"{self.bridges} bridges")
        if self.active:
            parts.append(f"{self.active} active")
        return ", ".join(parts)


def in_bytes(size):
    if size >= KIB * KIB:
        return f"{size // KIB // KIB} MiB"
    return f"{size // KIB} KiB" if size >= KIB else f"{size} B"


ALL_ECHO = (REFERENCE, PIPEACTOR, "pipeactor epoll", "pipeactor marshalled", "libuv bytes", "asio",
            "asio packets", "nng", "zmq", "epoll", "epoll mmsg", "io_uring")
GRID = (REFERENCE, PIPEACTOR, "io_uring")
GRID_SIZES = (64, KIB, 16 * KIB, 128 * KIB, 1024 * KIB)
GRID_CONNECTIONS = (1, 16, 64, 256, 1000)
# More than this on its way at once is memory of the kernel that a small machine does not have.
GRID_BYTES = 256 << 20
SOME_ECHO = (REFERENCE, PIPEACTOR, "pipeactor epoll", "epoll", "epoll mmsg", "zmq", "io_uring")
BROADCAST = (REFERENCE, PIPEACTOR, "nng", "zmq", "io_uring")
BYTES = ("libuv bytes", "pipeactor bytes", "asio bytes")


def quick():
    few = (REFERENCE, PIPEACTOR, "io_uring")
    return [
        Cell(servers=(*few, "zmq")),
        Cell(in_flight=16, servers=(*few, "zmq")),
        Cell(size=16 * KIB, servers=few),
        Cell(work="broadcast", in_flight=16, servers=(REFERENCE, PIPEACTOR, "zmq")),
    ]


def compared():
    """Cells in which servers are compared with each other."""
    yield Cell(servers=ALL_ECHO)
    yield Cell(in_flight=16, servers=ALL_ECHO)
    for connections, size, in_flight in ((256, 64, 1), (256, 64, 16), (1000, 64, 1),
                                         (64, KIB, 1), (64, KIB, 16), (256, KIB, 1),
                                         (64, 16 * KIB, 1), (64, 16 * KIB, 16),
                                         (64, 128 * KIB, 1), (1, 64, 1)):
        yield Cell(connections=connections, size=size, in_flight=in_flight, servers=SOME_ECHO)
    yield Cell(connections=1, poll=True)
    for connections in (64, 256):
        for in_flight in (1, 16):
            yield Cell("broadcast", connections, in_flight=in_flight, servers=BROADCAST)
    for size in (64, 16 * KIB, 1024 * KIB):
        yield Cell(size=size, connections=16, in_flight=4, servers=BYTES)
    for rate in (20_000, 50_000):
        yield Cell(rate=rate, servers=(REFERENCE, PIPEACTOR, "zmq", "io_uring"))
    yield Cell("starting", servers=(REFERENCE, PIPEACTOR, "pipeactor epoll", "nng", "zmq",
                                    "io_uring"))
    yield Cell("connecting", connections=16, servers=(REFERENCE, PIPEACTOR, "asio", "nng", "zmq"))
    yield Cell("idle", connections=1000, servers=(REFERENCE, PIPEACTOR, "nng", "zmq", "io_uring"))


def history():
    """Cells that show what was gained since pipebench was there to tell."""
    for cell in (Cell(), Cell(in_flight=16), Cell(connections=256, in_flight=16),
                 Cell(connections=1000), Cell(size=KIB, in_flight=16),
                 Cell(size=16 * KIB, in_flight=16), Cell("broadcast", in_flight=16),
                 Cell("connecting", connections=16)):
        yield replace(cell, servers=(PIPEACTOR, BEFORE), part="history")


def growing():
    """Cells that show how cost grows, of pipeactor and of bare io_uring beneath it."""
    for cell in growing_cells():
        yield replace(cell, part="growth")


def growing_cells():
    both = (PIPEACTOR, "io_uring")
    for n in (1, 4, 16, 64, 256, 1000, 4000, 10_000):
        yield Cell(connections=n, servers=both, growth="connections", place=n)
    for size in (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 128 * KIB):
        yield Cell(size=size, servers=both, growth="message size", place=size)
    for n in (1, 4, 16, 64, 256, 1000):
        yield Cell("broadcast", n, in_flight=4, servers=both, growth="subscribers", place=n)
    for n in (16, 64, 256, 1000):
        yield Cell(connections=1000, active=n, servers=both, growth="active connections", place=n)
    for n in (1, 2, 4):
        yield Cell(in_flight=16, bridges=n, servers=(PIPEACTOR,), growth="bridges", place=n)
    for n in (1, 2, 4, 16, 64):
        yield Cell("writing", 1, servers=("pipeactor writers",), growth="writers", place=n)
    for n in (10, 100, 1000, 10_000):
        yield Cell("idle", n, servers=(PIPEACTOR,), growth="idle connections", place=n)


def grid():
    """Cells for each size, number of connections and of messages in flight."""
    for size in GRID_SIZES:
        for in_flight in (1, 16):
            for connections in GRID_CONNECTIONS:
                if size * in_flight * connections <= GRID_BYTES:
                    yield Cell(size=size, in_flight=in_flight, connections=connections,
                               servers=GRID, part="grid")


def full():
    return [*compared(), *grid(), *history(), *growing()]
