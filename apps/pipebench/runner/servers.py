"""The servers that are compared: how each is started, and how it is spoken to."""

from dataclasses import dataclass
from pathlib import Path

import revisions

PIPEACTOR = "pipeactor"
# pipeactor as it was when pipebench came: see --history.
BEFORE = "pipeactor before"
REFERENCE = "libuv"


@dataclass(frozen=True)
class Server:
    program: str
    dialect: str
    about: str
    flags: tuple = ()
    works: frozenset = frozenset({"echo"})
    own_publisher_socket: bool = False
    # Takes --buffers=N: fewer for long messages, so that they stay in the cache; and --largest=N.
    counts_buffers: bool = False
    polls: bool = False

    def command(self, binaries, path, cell):
        """Returns the command line that serves `cell` at the socket `path`."""
        program = str(binaries / self.program)
        if Path(self.program).name == "pipecat":
            work = "--broadcast" if cell.work == "broadcast" else "--echo"
            spin = ("--spin-us", "50") if cell.poll else ()
            return [program, "listen", path, work, "--threads", str(cell.bridges),
                    *spin, *self.flags]
        broadcast = ("--broadcast",) if cell.work == "broadcast" else ()
        buffers = (f"--buffers={buffers_for(cell.size)}",) if self.counts_buffers else ()
        if self.counts_buffers and cell.size > LARGEST:
            buffers += (f"--largest={cell.size}",)
        poll = ("--poll",) if cell.poll and self.polls else ()
        return [program, path, *broadcast, *buffers, *poll, *self.flags]


# Bytes of the longest message that peers take, if not told otherwise.
LARGEST = 256 << 10


def buffers_for(size):
    """Returns how many buffers 16 MiB hold, of 64 to 1024: a power of two."""
    return min(1024, max(64, 1 << ((16 << 20) // size).bit_length() - 1))


EVERYTHING = frozenset({"echo", "broadcast", "connecting", "idle", "starting"})
NO_BROADCAST = EVERYTHING - {"broadcast"}

SERVERS = {
    PIPEACTOR: Server("pipecat", "packets",
                      "`pipecat listen --echo` on io_uring, one session per client",
                      works=EVERYTHING),
    BEFORE: Server(str(revisions.program_of(revisions.FIRST)), "packets",
                   "`pipecat` of the revision that brought pipebench", works=EVERYTHING),
    "pipeactor epoll": Server("pipecat", "packets", "the same on epoll",
                              flags=("--port", "epoll"), works=EVERYTHING),
    "pipeactor marshalled": Server("pipecat", "packets", "one ordinary actor answers all clients",
                                   flags=("--marshalled",)),
    "pipeactor writers": Server("pipebench-writers", "packets",
                                "actors on CAF's scheduler write to one connection",
                                works=frozenset({"writing"})),
    "pipeactor bytes": Server("pipecat", "bytes", "`pipecat listen --echo` in byte mode",
                              flags=("--mode", "byte")),
    "libuv": Server("pipebench-peer-libuv", "frames",
                    "a stream of frames, one `uv_write` per frame", works=EVERYTHING),
    "libuv bytes": Server("pipebench-peer-libuv", "bytes",
                          "one `uv_write` for everything that was read", flags=("--bytes",)),
    "asio": Server("pipebench-peer-asio", "frames",
                   "a stream of frames, one `async_write` per frame", works=NO_BROADCAST),
    "asio bytes": Server("pipebench-peer-asio", "bytes",
                         "one `async_write` for everything that was read", flags=("--bytes",)),
    "asio packets": Server("pipebench-peer-asio", "packets", "Asio on `SOCK_SEQPACKET`",
                           flags=("--packets",), works=NO_BROADCAST),
    "nng": Server("pipebench-peer-nng", "sp", "raw REP; broadcast from PULL to PUB",
                  works=EVERYTHING, own_publisher_socket=True),
    "zmq": Server("pipebench-peer-zmq", "zmtp", "ROUTER; broadcast from PULL to PUB",
                  works=EVERYTHING, own_publisher_socket=True),
    "epoll": Server("pipebench-peer-epoll", "packets", "bare epoll, one system call per message",
                    works=NO_BROADCAST),
    "epoll mmsg": Server("pipebench-peer-epoll", "packets",
                         "bare epoll with `recvmmsg` and `sendmmsg`", flags=("--mmsg",),
                         works=NO_BROADCAST),
    "io_uring": Server("pipebench-peer-io_uring", "packets",
                       "bare io_uring: multishot receive, provided buffers, no actors",
                       works=EVERYTHING, counts_buffers=True, polls=True),
}


def add_build(name, program):
    """Makes another build of pipecat a server."""
    SERVERS[name] = Server(str(Path(program).resolve()), "packets", "another build of `pipecat`",
                           works=EVERYTHING)
