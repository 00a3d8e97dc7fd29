#!/usr/bin/env python3
"""Who may connect, who may serve, and who is found: with processes of several users."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import stat

import harness
from harness import needs_root

SHARED = "/run/pipeactor"


@contextlib.contextmanager
def shared_directory():
    """Has /run/pipeactor to itself: makes it, or uses one that an administrator has made.
    Gives whether it was made."""
    # The lock is beside the directory, which is removed at the end: the next test makes its own.
    with open("/run/pipeactor-test.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = not os.path.lexists(SHARED)
        if made:
            os.mkdir(SHARED)
            os.chmod(SHARED, 0o1777)
        try:
            yield made
        finally:
            if made:
                shutil.rmtree(SHARED)


class Access(harness.Case):

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o1777)
        self.tool = self.shared_program()
        os.chmod(self.directory, 0o1777)
        self.alice, self.bob, self.carol, self.group = (harness.other_uid(i) for i in range(4))
        self.name = f"test-{os.getpid()}"

    def serve_as(self, uid, *options, name=None, groups=(), **more):
        return self.serve(*options, name=name or self.path(), tool=self.tool, cwd="/",
                          preexec_fn=harness.become(uid, groups=groups), **more)

    def run_as(self, uid, *arguments, groups=(), gid=None, **more):
        return self.pipecat(*arguments, tool=self.tool, cwd="/",
                            preexec_fn=harness.become(uid, groups=groups, gid=gid), **more)

    def talk_as(self, uid, server, *options, trust="everyone", **more):
        """Returns what `pipecat connect` makes of a server that echoes."""
        return self.run_as(uid, "connect", getattr(server, "address", server), "--trust", trust,
                           "--port", harness.port, "--expect", "1", *options, input=b"hello\n",
                           **more)

    def assert_served(self, *arguments, **more):
        result = self.talk_as(*arguments, **more)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"hello\n", b""))

    def assert_refused(self, server, uid, *arguments, **more):
        """The server lets the client connect, closes the connection, and reports who it was."""
        result = self.talk_as(uid, server, *arguments, **more)
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        server.wait_for_log(f"uid {uid}, gid")
        self.assertRegex(server.log(), r"left: access_denied: .*pid \d+, uid %d," % uid)
        self.assertNotRegex(server.log(), r"connected: .*uid %d\b" % uid)
        self.assertNotIn("received", server.log())

    def assert_not_reachable(self, server, uid, **more):
        """The system's own rules keep the client away; the server never sees it."""
        result = self.talk_as(uid, server, **more)
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(b"access_denied", result.stderr)
        self.assertNotIn(f"uid {uid}", server.log())

    # -- servers --------------------------------------------------------------------------

    @needs_root
    def test_everyone_is_served(self):
        server = self.serve_as(self.alice, "--echo", "-v", "--access", "everyone")
        self.assertEqual(stat.S_IMODE(os.stat(server.address).st_mode), 0o666)
        for uid in (self.alice, self.bob, 65534):
            self.assert_served(uid, server)
        self.assert_echoes(server)  # root
        server.stop()

    @needs_root
    def test_members_of_a_group_are_served_and_others_are_kept_out(self):
        server = self.serve_as(self.alice, "--echo", "-v", "--access", f"group:{self.group}",
                               groups=[self.group])
        info = os.stat(server.address)
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_gid), (0o660, self.group))
        self.assert_served(self.bob, server, groups=[self.bob, self.group])
        self.assert_served(self.bob, server, gid=self.group)
        self.assert_not_reachable(server, self.carol)
        # Where the file lets everybody in, the server does not.
        os.chmod(server.address, 0o666)
        self.assert_refused(server, self.carol)
        self.assert_served(self.alice, server)
        server.stop()

    @needs_root
    def test_the_server_s_own_group_is_meant_if_none_is_named(self):
        server = self.serve_as(self.alice, "--echo", "-v", "--access", "group")
        self.assertEqual(os.stat(server.address).st_gid, self.alice)
        self.assert_served(self.bob, server, groups=[self.alice])
        self.assert_not_reachable(server, self.carol)

    @needs_root
    def test_a_group_that_the_server_is_not_in_is_explained(self):
        result = self.run_as(self.alice, "listen", self.path(), "--access", f"group:{self.group}")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"use access list:@{self.group}", result.stderr.decode())
        self.assertFalse(os.path.lexists(self.path()))

    @needs_root
    def test_those_on_a_list_are_served_and_others_refused(self):
        dave = 65533
        server = self.serve_as(self.alice, "--echo", "-v", "--access",
                               f"list:{self.bob},@{self.group},daemon")
        self.assert_served(self.bob, server)
        self.assert_served(self.carol, server, groups=[self.group])
        self.assert_served(self.carol, server, gid=self.group)
        self.assert_served(1, server)  # daemon's uid
        self.assert_served(self.alice, server)
        self.assert_echoes(server)  # root
        self.assert_refused(server, dave)
        server.stop()

    @needs_root
    def test_a_refused_client_is_reported_with_its_process_and_harms_nobody(self):
        server = self.serve_as(self.alice, "--echo", "--events", "--access", f"list:{self.bob}")
        client = self.connect(server)
        reader, writer = os.pipe()
        stranger = os.fork()
        if stranger == 0:
            with contextlib.suppress(BaseException):
                harness.become(65533)()
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                connection.connect(server.address)
                with contextlib.suppress(OSError):
                    connection.send(b"let me in")
                with contextlib.suppress(ConnectionResetError):
                    os.write(writer, b"closed" if connection.recv(100) == b"" else b"served")
            os._exit(0)
        os.close(writer)
        self.assertEqual(os.waitpid(stranger, 0)[1], 0)
        self.assertIn(os.read(reader, 100), (b"closed", b""))
        os.close(reader)
        server.wait_for_log(f"pid {stranger}, uid 65533")
        client.send(b"still here")
        self.assertEqual(client.recv(100), b"still here")
        self.assertNotIn("let me in", server.log())
        server.stop()

    @needs_root
    def test_200_refused_clients_leave_no_descriptor(self):
        server = self.serve_as(self.alice, "--echo")
        os.chmod(server.address, 0o666)
        self.assert_echoes(server)
        before = server.descriptors()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                harness.become(65533)()
                for _ in range(200):
                    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
                        connection.connect(server.address)
                        with contextlib.suppress(OSError):
                            connection.recv(1)
                os._exit(0)
            os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assert_echoes(server)
        harness.wait_until(lambda: server.descriptors() <= before, "descriptors are given back")

    @needs_root
    def test_the_owner_s_directory_keeps_others_away(self):
        home = f"/tmp/pipeactor-{self.alice}"
        server = self.serve_as(self.alice, "--echo", "-v", name=self.name)
        self.addCleanup(os.rmdir, home)
        self.addCleanup(server.end)
        self.assertEqual(server.address, f"{home}/{self.name}")
        self.assertEqual(stat.S_IMODE(os.stat(home).st_mode), 0o700)
        os.chmod(server.address, 0o777)
        self.assert_not_reachable(server, self.bob)
        # By its name it is another one's, which is not there.
        result = self.talk_as(self.bob, self.name)
        self.assertIn(b"no_such_pipe", result.stderr)
        self.assert_served(self.alice, self.name, trust="owner")
        server.stop()

    def test_users_and_groups_that_are_named_must_exist(self):
        for access, text in (("list:no-such-user", "no user named 'no-such-user'"),
                             ("group:no-such-group", "no group named 'no-such-group'"),
                             ("list:root,@no-such-group", "no group named 'no-such-group'")):
            result = self.pipecat("listen", self.path(), "--access", access)
            self.assertEqual(result.returncode, 1)
            self.assertIn(text, result.stderr.decode())
            result = self.pipecat("connect", self.path(), "--trust", access)
            self.assertEqual(result.returncode, 1)
            self.assertIn(text, result.stderr.decode())

    def test_an_unknown_access_is_a_usage_error(self):
        for option in (["listen", "x", "--access", "all"], ["connect", "x", "--trust", "list:"]):
            result = self.pipecat(*option)
            self.assertEqual(result.returncode, 2)
            self.assertIn(b"use owner, group, group:NAME, everyone or list:", result.stderr)

    # -- reports --------------------------------------------------------------------------

    def assert_tells(self, server, *expected):
        for line in expected:
            server.wait_for_log(line)

    @needs_root
    def test_events_report_the_client_and_what_it_does(self):
        for options in (["--echo"], ["--echo", "--marshalled"], ["--broadcast"]):
            server = self.serve_as(self.alice, *options, "--events", "--access", "everyone")
            self.assert_served(1, server, gid=1, groups=[0, 12345678])
            self.assert_tells(server, "client 1 connected: pid ",
                              ", uid 1 (daemon), gid 1 (daemon), groups 0 (root) 12345678\n",
                              "client 1 received 5 bytes\n", "client 1 sent\n",
                              "client 1 left: closed_by_peer")
            server.stop()

    def test_events_of_a_plain_server_are_reported(self):
        server = self.serve("--events")
        client = self.connect(server)
        client.send(b"to be printed")
        self.assertEqual(server.read_until(b"\n"), b"to be printed\n")
        self.assert_tells(server, "client 1 connected: ", "client 1 received 13 bytes\n")
        server.process.stdin.write(b"to be sent\n")
        server.process.stdin.flush()
        self.assertEqual(client.recv(100), b"to be sent")
        self.assert_tells(server, "client 1 sent\n")
        client.close()
        self.assert_tells(server, "client 1 left: closed_by_peer")
        server.stop()

    def test_verbose_reports_no_messages(self):
        server = self.serve("--echo", "-v")
        with self.connect(server) as client:
            client.send(b"x")
            client.recv(1)
        server.wait_for_log("client 1 left")
        self.assertNotIn("received", server.log())

    # -- clients --------------------------------------------------------------------------

    @needs_root
    def test_a_server_that_is_not_trusted_is_sent_nothing(self):
        impostor = self.serve_as(self.bob, "--events", "--access", "everyone")
        result = self.talk_as(self.alice, impostor, trust="owner")
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertIn(f"pid {impostor.process.pid}, uid {self.bob}", result.stderr.decode())
        self.assertIn("access_denied", result.stderr.decode())
        self.assertIn("--trust", result.stderr.decode())
        impostor.wait_for_log("client 1 left")
        self.assertNotIn("received", impostor.log())
        impostor.stop()

    @needs_root
    def test_trust_by_user_and_group_and_by_default(self):
        server = self.serve_as(self.bob, "--echo", "--access", "everyone", groups=[self.group])
        self.assert_served(self.alice, server, trust=f"list:{self.bob}")
        self.assert_served(self.alice, server, trust=f"group:{self.group}")
        self.assert_served(self.bob, server, trust="owner")
        for trust in (f"list:{self.alice}", "group", "owner"):
            self.assertIn(b"access_denied", self.talk_as(self.alice, server, trust=trust).stderr)
        of_root = self.serve("--echo", "--access", "everyone", name=self.path("of-root"))
        self.assert_served(self.alice, of_root, trust="owner")

    # -- the shared directory -------------------------------------------------------------

    @needs_root
    def test_a_shared_name_is_found_and_served_across_users(self):
        with shared_directory():
            server = self.serve_as(self.alice, "--echo", "-v", "--access", "everyone",
                                   name=self.name)
            self.assertEqual(server.address, f"{SHARED}/{self.name}")
            self.assertEqual(stat.S_IMODE(os.stat(server.address + ".lock").st_mode), 0o644)
            self.assert_served(self.bob, self.name, trust=f"list:{self.alice}")
            self.assert_served(self.alice, self.name, trust="owner")
            # A name in the user's own directory comes first.
            mine = self.serve_as(self.bob, "--echo", name=self.name)
            self.addCleanup(os.rmdir, f"/tmp/pipeactor-{self.bob}")
            self.addCleanup(mine.end)
            self.assert_served(self.bob, self.name, trust="owner")
            mine.stop()
            self.assertIn(b"access_denied", self.talk_as(self.bob, self.name, trust="owner").stderr)
            server.stop()

    @needs_root
    def test_nobody_can_take_a_live_or_a_dead_server_s_shared_name(self):
        with shared_directory():
            server = self.serve_as(self.alice, "--echo", "--access", "everyone", name=self.name)
            result = self.run_as(self.bob, "listen", self.name, "--access", "everyone")
            self.assertEqual(result.returncode, 1)
            self.assertIn("pipe_in_use", result.stderr.decode())
            self.assertIn(f"a server of user {self.alice}", result.stderr.decode())
            self.assert_served(self.bob, self.name)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            result = self.run_as(self.bob, "listen", self.name, "--access", "everyone")
            self.assertEqual(result.returncode, 1)
            again = self.serve_as(self.alice, "--echo", "--access", "everyone", name=self.name)
            self.assert_served(self.bob, self.name)
            again.stop()

    @needs_root
    def test_a_missing_or_unsafe_shared_directory_is_explained(self):
        with shared_directory() as made:
            if not made:
                self.skipTest(f"{SHARED} is the administrator's")
            listen = ["listen", self.name, "--access", "everyone"]
            try:
                os.chmod(SHARED, 0o777)
                result = self.run_as(self.alice, *listen)
                self.assertIn("unsafe_directory", result.stderr.decode())
                self.assertIn("chmod +t", result.stderr.decode())
                os.rmdir(SHARED)
                result = self.run_as(self.alice, *listen)
                self.assertEqual(result.returncode, 1)
                self.assertIn("install -d -m 1777 /run/pipeactor", result.stderr.decode())
                self.assertIn("docs/deployment.md", result.stderr.decode())
                result = self.run_as(self.alice, "connect", self.name)
                self.assertIn("no_such_pipe", result.stderr.decode())
                os.mkdir(SHARED, 0o755)
                result = self.run_as(self.alice, *listen)
                self.assertIn("access_denied", result.stderr.decode())
            finally:
                os.makedirs(SHARED, exist_ok=True)

    # -- discovery ------------------------------------------------------------------------

    def names_found_by(self, uid, pattern="*"):
        result = self.run_as(uid, "list", pattern)
        self.assertEqual(result.stderr, b"")
        self.assertEqual(result.returncode, 0 if result.stdout else 1)
        return result.stdout.decode().split()

    @needs_root
    def test_list_shows_live_servers_of_both_directories(self):
        with shared_directory():
            shared = self.serve_as(self.alice, "--echo", "--events", "--access",
                                   f"list:{self.bob}", name=f"{self.name}-b")
            own = self.serve_as(self.bob, "--echo", "--events", name=f"{self.name}-a")
            self.addCleanup(os.rmdir, f"/tmp/pipeactor-{self.bob}")
            self.addCleanup(own.end)
            both = [f"{self.name}-a", f"{self.name}-b"]
            self.assertEqual(self.names_found_by(self.bob, f"{self.name}-?"), both)
            self.assertEqual(self.names_found_by(self.bob, f"{self.name}*b"), both[1:])
            # Others do not see what they cannot reach, but they see what is shared.
            self.assertEqual(self.names_found_by(self.carol, f"{self.name}*"), both[1:])
            # A server does not notice.
            for server in (shared, own):
                self.assertNotIn("client", server.log())
            self.assert_served(self.bob, own)
            own.stop()
            shared.process.send_signal(signal.SIGKILL)
            shared.process.wait()
            self.assertTrue(harness.is_socket(shared.address))
            self.assertEqual(self.names_found_by(self.bob, f"{self.name}*"), [])
            os.unlink(shared.address)
            os.unlink(shared.address + ".lock")

    def test_the_exit_code_of_list_says_whether_there_is_one(self):
        server = self.serve("--echo", name=self.name)
        found = self.pipecat("list", self.name)
        self.assertEqual((found.returncode, found.stdout), (0, self.name.encode() + b"\n"))
        server.stop()
        self.assertEqual(self.pipecat("list", self.name).returncode, 1)

    def test_a_pipe_that_is_a_path_is_not_listed(self):
        self.serve("--echo")
        self.assertNotIn(b"/", self.pipecat("list").stdout)


if __name__ == "__main__":
    harness.run()
