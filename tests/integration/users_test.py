#!/usr/bin/env python3
"""Several users, and users who may do little."""

import os
import resource
import shutil
import socket

import harness
from harness import needs_root


class Users(harness.Case):

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)

    def serve_as(self, uid, *options, limits=None, **more):
        """Starts a server of another user's, in a directory of that user's."""
        home = self.path(f"of-{uid}")
        if not os.path.exists(home):
            os.mkdir(home)
            os.chown(home, uid, uid)
        return self.serve(*options, name=os.path.join(home, "pipe"), tool=self.shared_program(),
                          preexec_fn=harness.become(uid, limits), cwd="/", **more)

    def run_as(self, uid, *arguments, **more):
        return self.pipecat(*arguments, tool=self.shared_program(), cwd="/",
                            preexec_fn=harness.become(uid), **more)

    @needs_root
    def test_an_unprivileged_user_echoes_the_longest_message(self):
        uid = harness.other_uid()
        server = self.serve_as(uid, "--echo", "-v")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            size = harness.largest_message(probe)
        server.wait_for_log(f"messages of up to {size} bytes")
        message = os.urandom(size // 2).hex().encode()[:size].ljust(size, b"x")
        result = self.run_as(uid, "connect", server.address, "--whole", "--expect", "1",
                             input=message)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(result.stdout == message + b"\n", "another message came back")
        result = self.run_as(uid, "connect", server.address, "--whole", "--expect", "1",
                             input=message + b"x")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"message_too_large", result.stderr)
        server.stop()

    @needs_root
    def test_an_unprivileged_user_serves_a_leaf_name(self):
        uid = harness.other_uid()
        self.addCleanup(shutil.rmtree, f"/tmp/pipeactor-{uid}", ignore_errors=True)
        server = self.serve("--echo", name="mine", tool=self.shared_program(), cwd="/",
                            preexec_fn=harness.become(uid))
        self.assertEqual(server.address, f"/tmp/pipeactor-{uid}/mine")
        result = self.run_as(uid, "connect", "mine", "--expect", "1", input=b"hello\n")
        self.assertEqual((result.returncode, result.stdout), (0, b"hello\n"))
        server.stop()

    @needs_root
    def test_another_user_is_refused(self):
        server = self.serve_as(harness.other_uid(), "--echo")
        result = self.run_as(harness.other_uid(1), "connect", server.address, input=b"hello\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"access_denied", result.stderr)

    @needs_root
    def test_another_user_is_refused_even_if_the_file_lets_everybody_in(self):
        server = self.serve_as(harness.other_uid(), "--echo", "-v")
        os.chmod(server.address, 0o666)
        stranger = harness.other_uid(1)
        result = self.run_as(stranger, "connect", server.address, "--expect", "1",
                             input=b"hello\n")
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        server.wait_for_log("client 1 left: access_denied")
        self.assertIn(f"uid {stranger}", server.log())
        # Root is always admitted.
        self.assert_echoes(server)

    def assert_leaf_name_refused(self, uid, text):
        result = self.run_as(uid, "listen", "mine", "--port", harness.port)
        self.assertEqual(result.returncode, 1)
        self.assertIn("pipecat: unsafe_directory: ", result.stderr.decode())
        self.assertIn(text, result.stderr.decode())

    def leaf_directory(self, uid):
        """Returns the path of a user's directory, which nobody has made yet."""
        path = f"/tmp/pipeactor-{uid}"
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    @needs_root
    def test_a_directory_with_loose_rights_is_refused(self):
        uid = harness.other_uid()
        path = self.leaf_directory(uid)
        os.mkdir(path)
        os.chown(path, uid, uid)
        for mode in (0o701, 0o710, 0o777):
            os.chmod(path, mode)
            self.assert_leaf_name_refused(uid, "chmod 700")

    @needs_root
    def test_a_directory_of_another_user_is_refused(self):
        uid = harness.other_uid()
        os.mkdir(self.leaf_directory(uid), 0o700)
        self.assert_leaf_name_refused(uid, "belongs to user 0")

    @needs_root
    def test_a_directory_that_is_a_symlink_is_refused(self):
        uid = harness.other_uid()
        target = self.path("target")
        os.mkdir(target, 0o700)
        os.chown(target, uid, uid)
        link = self.leaf_directory(uid)
        os.symlink(target, link)
        self.addCleanup(os.unlink, link)
        self.assert_leaf_name_refused(uid, "symbolic link")
        self.assertEqual(os.listdir(target), [])

    def assert_works_with_locked_memory(self, limit):
        # The forced port may be refused for it; what --port auto picks may not.
        server = self.serve_as(harness.other_uid(), "--echo", "-v", forced_port="auto",
                               limits={resource.RLIMIT_MEMLOCK: limit})
        messages = [b"x" * 100000, b"hello"] * 100
        client = self.connect(server)
        self.assertEqual(harness.exchange(client, messages), messages)
        server.wait_for_log("port ")
        server.stop()

    @needs_root
    def test_no_locked_memory_at_all_is_enough(self):
        self.assert_works_with_locked_memory(0)

    @needs_root
    def test_64_KiB_of_locked_memory_are_enough(self):
        self.assert_works_with_locked_memory(65536)

    @needs_root
    def test_200_clients_of_an_unprivileged_user_are_served_with_64_descriptors(self):
        server = self.serve_as(harness.other_uid(), "--echo",
                               limits={resource.RLIMIT_NOFILE: 64})
        clients = [self.connect(server) for _ in range(200)]
        for client in clients:
            client.send(b"hello")
        for client in clients:  # the order in which they are accepted
            self.assertEqual(client.recv(100), b"hello")
            client.close()
        server.stop()


if __name__ == "__main__":
    harness.run()
