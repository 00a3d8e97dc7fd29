#!/usr/bin/env python3
"""A system that refuses io_uring, as containers do: forced here by a seccomp filter."""

import ctypes
import errno
import struct

import harness

IO_URING_SETUP = 425  # on every architecture
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000


def refuse_io_uring(error_number):
    """Returns a function for Popen's preexec_fn."""
    instructions = [
        (0x20, 0, 0, 0),  # load the number of the system call
        (0x15, 0, 1, IO_URING_SETUP),  # another one: skip the next
        (0x06, 0, 0, SECCOMP_RET_ERRNO | error_number),
        (0x06, 0, 0, SECCOMP_RET_ALLOW),
    ]
    code = b"".join(struct.pack("HBBI", *x) for x in instructions)
    filter_ = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: the pointer is aligned.
    program = ctypes.create_string_buffer(
        struct.pack("HP", len(instructions), ctypes.addressof(filter_)))
    libc = ctypes.CDLL(None, use_errno=True)

    def change():
        if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0):
            raise OSError(ctypes.get_errno(), "cannot install the filter")
        assert filter_ is not None  # it lives as long as this function

    return change


class IoUringRefused(harness.Case):

    def assert_falls_back(self, error_number):
        server = self.serve("--echo", "-v", forced_port="auto",
                            preexec_fn=refuse_io_uring(error_number))
        server.wait_for_log("io_uring is not available, using epoll: ")
        server.wait_for_log("port epoll")
        messages = [b"%d" % i for i in range(1000)]
        self.assertEqual(harness.exchange(self.connect(server), messages), messages)
        server.stop()

    def test_auto_falls_back_if_it_is_forbidden(self):
        self.assert_falls_back(errno.EPERM)

    def test_auto_falls_back_if_the_kernel_has_none(self):
        self.assert_falls_back(errno.ENOSYS)

    def test_auto_says_it_once_for_many_threads(self):
        server = self.serve("--echo", "--threads", "4", forced_port="auto",
                            preexec_fn=refuse_io_uring(errno.EPERM))
        self.assert_echoes(server)
        self.assertEqual(server.log().count("using epoll"), 1)
        server.stop()

    def test_a_forced_io_uring_fails_and_says_what_to_do(self):
        for command in ("listen", "connect"):
            result = self.pipecat(command, self.path(), "--port", "io_uring",
                                  preexec_fn=refuse_io_uring(errno.EPERM))
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"io_uring is refused", result.stderr)
            self.assertIn(b"try --port auto", result.stderr)

    def test_a_forced_epoll_is_not_affected(self):
        server = self.serve("--echo", "-v", forced_port="epoll",
                            preexec_fn=refuse_io_uring(errno.EPERM))
        self.assert_echoes(server)
        self.assertNotIn("not available", server.log())
        server.stop()


if __name__ == "__main__":
    harness.run()
