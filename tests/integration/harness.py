"""Helpers of the integration tests: servers, clients, users, deadlines.

A test file is run as  FILE.py BIN_DIR PORT [CASE]  (PORT: io_uring, epoll or auto). Its exit
code is 77 where the case cannot run here, e.g. for want of root.
"""

import contextlib
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

DEADLINE = 30  # seconds that anything may take before it counts as stuck
SKIPPED = 77

bin_dir = ""
port = ""


def run():
    """Runs the cases of the calling file, as its command line says."""
    global bin_dir, port
    bin_dir, port, *cases = sys.argv[1:]
    bin_dir = os.path.abspath(bin_dir)
    module = sys.modules["__main__"]
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*.{case}" for case in cases] or None
    suite = loader.loadTestsFromModule(module)
    if suite.countTestCases() == 0:
        sys.exit(f"no such case: {cases}")
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if len(result.skipped) == suite.countTestCases() else 0)


def program(name):
    return os.path.join(bin_dir, name)


# -- waiting ---------------------------------------------------------------------------

def wait_until(condition, what, deadline=DEADLINE):
    """Waits until `condition()` is true, and returns what it returns."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s in vain: {what}")
        time.sleep(0.005)


# -- users -----------------------------------------------------------------------------

def needs_root(case):
    return unittest.skipUnless(os.geteuid() == 0, "needs root, to become another user")(case)


def other_uid(index=0):
    """Returns a user id that nobody has, and no other test at the same time."""
    return 1_000_000 + 4 * os.getpid() + index


def become(uid, limits=None, before=None, groups=(), gid=None):
    """Returns a function for Popen's preexec_fn: resource limits, then a user with groups."""
    def change():
        for what, value in (limits or {}).items():
            resource.setrlimit(what, (value, value))
        if uid is not None:
            os.setgroups(groups)
            os.setresgid(*[uid if gid is None else gid] * 3)
            os.setresuid(uid, uid, uid)
        if before is not None:
            before()
    return change


# -- the case of a test ----------------------------------------------------------------

class Case(unittest.TestCase):
    """A directory for the pipes, and servers that end with the test."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="pipeactor-test-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def path(self, name="pipe"):
        return os.path.join(self.directory, name)

    def shared_program(self, name="pipecat"):
        """Returns a copy that every user may run: the build's directory may be closed."""
        os.chmod(self.directory, 0o755)
        copy = self.path(name + ".copy")
        if not os.path.exists(copy):
            shutil.copy(program(name), copy)
            os.chmod(copy, 0o755)
        return copy

    def serve(self, *options, name=None, **more):
        """Starts `pipecat listen`, and returns when clients may connect."""
        server = Server(self, [*options], name or self.path(), **more)
        self.addCleanup(server.end)
        server.wait_until_listening()
        return server

    def connect(self, server, kind=socket.SOCK_SEQPACKET):
        """Returns a socket that is connected to a server, or to a path."""
        client = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(client.close)
        client.settimeout(DEADLINE)
        client.connect(getattr(server, "address", server))
        return client

    def connect_stream(self, server):
        return self.connect(server, socket.SOCK_STREAM)

    def assert_echoes(self, server, text=b"are you there?"):
        with self.connect(server) as client:
            client.send(text)
            self.assertEqual(client.recv(1 << 16), text)

    def pipecat(self, *arguments, input=b"", **more):
        """Runs the tool to its end."""
        tool = more.pop("tool", None) or program("pipecat")
        return subprocess.run([tool, *arguments], input=input, capture_output=True,
                              timeout=DEADLINE, check=False, **more)


class Server:
    """A program that prints LISTENING, by default `pipecat listen`."""

    def __init__(self, case, options, name, tool=None, command=None, stdin=subprocess.PIPE,
                 forced_port=None, **more):
        self.case = case
        self.errors = tempfile.TemporaryFile()
        command = command or [tool or program("pipecat"), "listen", name,
                              "--port", forced_port or port, *options]
        self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=self.errors, **more)
        self.address = None
        self.output = b""
        self.closed = False
        self.changed = threading.Condition()
        # A reader of its own, so that the server never waits for the test.
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            with self.changed:
                self.output += chunk
                self.changed.notify_all()
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def wait_until_listening(self):
        with self.changed:
            self.changed.wait_for(lambda: self.closed or b"\n" in self.output, DEADLINE)
            line, _, self.output = self.output.partition(b"\n")
        self.case.assertTrue(line.startswith(b"LISTENING "), f"{line!r}, {self.log()!r}")
        self.address = line.removeprefix(b"LISTENING ").decode()

    def log(self):
        """Returns what is on standard error so far."""
        return os.pread(self.errors.fileno(), 1 << 20, 0).decode()

    def wait_for_log(self, text):
        wait_until(lambda: text in self.log(), f"{text!r} in the log")

    def read_until(self, end):
        """Returns the output up to `end`, which it waits for."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: end in self.output or self.closed, DEADLINE)
            self.case.assertTrue(arrived and end in self.output,
                                 f"{end!r} did not come, but {self.output[-300:]!r}, "
                                 f"{self.log()!r}")
            head, _, self.output = self.output.partition(end)
        return head + end

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wake_ups(self):
        """Returns how often its threads have gone to sleep, and so were woken."""
        result = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/status", encoding="ascii") as file:
                fields = dict(line.split(":", 1) for line in file)
            result += int(fields["voluntary_ctxt_switches"])
        return result

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def anonymous_bytes(self):
        """Returns the resident memory that is the process's own: heap and stacks."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["RssAnon"].split()[0]) * 1024

    def stop(self, how=signal.SIGTERM, within=10):
        """Stops it as a user would: it must end by itself, soon, and leave no file."""
        self.process.send_signal(how)
        self.finish(within)

    def finish(self, within=10):
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {within} s; {self.log()!r}") from None
        self.case.assertEqual(code, 0, self.log())
        self.case.assertFalse(os.path.lexists(self.address), "it left its socket")
        self.case.assertFalse(os.path.lexists(self.address + ".lock"), "it left its lock file")

    def end(self):
        """Ends it after the test, however that went."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        self.errors.close()


# -- clients ---------------------------------------------------------------------------

def receive_all(client):
    """Returns what comes until the peer closes, as a list of pieces."""
    pieces = []
    while piece := client.recv(1 << 20):
        pieces.append(piece)
    return pieces


def exchange(client, messages, window=64):
    """Sends messages and returns as many replies; so many are under way at once."""
    replies = []
    for index, message in enumerate(messages):
        if index - len(replies) >= window:
            replies.append(client.recv(1 << 23))
        client.sendall(message) if client.type == socket.SOCK_STREAM else client.send(message)
    while len(replies) < len(messages):
        replies.append(client.recv(1 << 23))
    return replies


def largest_message(client):
    """Lets a socket send as long a message as the system grants; returns its length."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
    granted = client.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    # The kernel keeps 32 bytes of it for itself; pipeactor's default stops at 4 MiB.
    return min(granted - 32, 4 << 20)


def is_socket(path):
    return stat.S_ISSOCK(os.lstat(path).st_mode)


def real_text():
    """Returns a text file of this machine."""
    for name in ("/usr/share/common-licenses/GPL-3", "/etc/services", __file__):
        with contextlib.suppress(OSError), open(name, "rb") as file:
            return file.read()
    raise AssertionError("no text file")
