#include "sweep/failing_calls.hpp"

#include "sweep/failing_scope.hpp"

#include <liburing.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

namespace sweep {

namespace {

long number_that_fails = 0;
size_t choice_of_error = 0;
long counted = 0;
const char* failed_name = nullptr;
int failed_with = 0;

/// Counts a call.
/// @param errors those of the manual that a program has to expect from its surroundings
/// @returns the error that it has to fail with, or 0
int failure_of(const char* name, std::initializer_list<int> errors) noexcept {
  if (!failing_scope::is_active() || ++counted != number_that_fails
      || choice_of_error >= errors.size())
    return 0;
  failed_name = name;
  failed_with = errors.begin()[choice_of_error];
  return failed_with;
}

} // namespace

void fail_call(long number, size_t choice) noexcept {
  number_that_fails = number;
  choice_of_error = choice;
  counted = 0;
}

long counted_calls() noexcept {
  return counted;
}

std::string failed_call() {
  if (failed_name == nullptr)
    return {};
  return std::string{failed_name} + ": " + std::strerror(failed_with);
}

} // namespace sweep

// Each function here stands before one of the system's.
#define SWEEP_CALL(result, name, failed, parameters, arguments, ...)                               \
  result __real_##name parameters;                                                                 \
  result __wrap_##name parameters {                                                                \
    if (auto code = sweep::failure_of(#name, {__VA_ARGS__})) {                                     \
      errno = code;                                                                                \
      return failed;                                                                               \
    }                                                                                              \
    return __real_##name arguments;                                                                \
  }

// Those of liburing return the error.
#define SWEEP_URING_CALL(name, parameters, arguments, ...)                                         \
  int __real_##name parameters;                                                                    \
  int __wrap_##name parameters {                                                                   \
    if (auto code = sweep::failure_of(#name, {__VA_ARGS__}))                                       \
      return -code;                                                                                \
    return __real_##name arguments;                                                                \
  }

extern "C" {

// Not those that say that the peer is gone: it is not.

// -- sockets ----------------------------------------------------------------------------------

SWEEP_CALL(int, socket, -1, (int a, int b, int c), (a, b, c), EMFILE, ENFILE, ENOBUFS, ENOMEM,
           EACCES)
SWEEP_CALL(int, bind, -1, (int fd, const sockaddr* a, socklen_t n), (fd, a, n), EACCES, EADDRINUSE,
           ENOENT, ENOMEM, ENOTDIR, EROFS)
SWEEP_CALL(int, listen, -1, (int fd, int n), (fd, n), EADDRINUSE, EINVAL)
SWEEP_CALL(int, accept4, -1, (int fd, sockaddr* a, socklen_t* n, int f), (fd, a, n, f), EAGAIN,
           EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM)
SWEEP_CALL(int, connect, -1, (int fd, const sockaddr* a, socklen_t n), (fd, a, n), EACCES, EAGAIN,
           ECONNREFUSED, ENOENT, EINTR, ENOMEM)
SWEEP_CALL(ssize_t, send, -1, (int fd, const void* p, size_t n, int f), (fd, p, n, f), EAGAIN,
           EINTR, ENOBUFS, ENOMEM)
SWEEP_CALL(ssize_t, sendmsg, -1, (int fd, const msghdr* m, int f), (fd, m, f), EAGAIN, EINTR,
           ENOBUFS, ENOMEM)
SWEEP_CALL(int, sendmmsg, -1, (int fd, mmsghdr* m, unsigned n, int f), (fd, m, n, f), EAGAIN, EINTR,
           ENOBUFS, ENOMEM)
SWEEP_CALL(ssize_t, recv, -1, (int fd, void* p, size_t n, int f), (fd, p, n, f), EAGAIN, EINTR,
           ENOMEM, ECONNRESET)
SWEEP_CALL(ssize_t, recvmsg, -1, (int fd, msghdr* m, int f), (fd, m, f), EAGAIN, EINTR, ENOMEM,
           ECONNRESET)
SWEEP_CALL(int, recvmmsg, -1, (int fd, mmsghdr* m, unsigned n, int f, timespec* t),
           (fd, m, n, f, t), EAGAIN, EINTR, ENOMEM, ECONNRESET)
SWEEP_CALL(int, setsockopt, -1, (int fd, int l, int o, const void* p, socklen_t n),
           (fd, l, o, p, n), ENOMEM, ENOPROTOOPT)
SWEEP_CALL(int, getsockopt, -1, (int fd, int l, int o, void* p, socklen_t* n), (fd, l, o, p, n),
           ENOMEM, ENOPROTOOPT)
SWEEP_CALL(int, shutdown, -1, (int fd, int how), (fd, how), ENOTCONN, ENOBUFS)

// -- waiting ----------------------------------------------------------------------------------

SWEEP_CALL(int, epoll_create1, -1, (int f), (f), EMFILE, ENFILE, ENOMEM)
SWEEP_CALL(int, epoll_ctl, -1, (int e, int o, int fd, epoll_event* v), (e, o, fd, v), ENOMEM,
           ENOSPC)
SWEEP_CALL(int, epoll_wait, -1, (int e, epoll_event* v, int n, int t), (e, v, n, t), EINTR)
SWEEP_CALL(int, epoll_pwait2, -1,
           (int e, epoll_event* v, int n, const timespec* t, const sigset_t* s), (e, v, n, t, s),
           EINTR, ENOSYS)
SWEEP_CALL(int, eventfd, -1, (unsigned n, int f), (n, f), EMFILE, ENFILE, ENOMEM)
SWEEP_CALL(int, inotify_init1, -1, (int f), (f), EMFILE, ENFILE, ENOMEM)
SWEEP_CALL(int, inotify_add_watch, -1, (int fd, const char* p, uint32_t m), (fd, p, m), EACCES,
           ENOENT, ENOMEM, ENOSPC)

// -- files and memory -------------------------------------------------------------------------

SWEEP_CALL(int, lstat, -1, (const char* p, struct stat* s), (p, s), EACCES, ENOENT, ENOMEM)
SWEEP_CALL(int, stat, -1, (const char* p, struct stat* s), (p, s), EACCES, ENOENT, ENOMEM)
SWEEP_CALL(int, fstat, -1, (int fd, struct stat* s), (fd, s), ENOMEM, EOVERFLOW)
SWEEP_CALL(int, mkdir, -1, (const char* p, mode_t m), (p, m), EACCES, EEXIST, ENOSPC, EROFS)
SWEEP_CALL(int, unlink, -1, (const char* p), (p), EACCES, EBUSY, ENOENT, EIO, EROFS)
SWEEP_CALL(int, fchmod, -1, (int fd, mode_t m), (fd, m), EIO, EPERM, EROFS)
SWEEP_CALL(int, fchmodat, -1, (int fd, const char* p, mode_t m, int f), (fd, p, m, f), EACCES,
           ENOENT, EPERM, EROFS)
SWEEP_CALL(ssize_t, pread, -1, (int fd, void* p, size_t n, off_t o), (fd, p, n, o), EINTR, EIO)
SWEEP_CALL(ssize_t, pwrite, -1, (int fd, const void* p, size_t n, off_t o), (fd, p, n, o), EINTR,
           EIO, ENOSPC, EDQUOT)
SWEEP_CALL(int, ftruncate, -1, (int fd, off_t n), (fd, n), EINTR, EIO)
SWEEP_CALL(void*, mmap, MAP_FAILED, (void* a, size_t n, int p, int f, int fd, off_t o),
           (a, n, p, f, fd, o), EAGAIN, ENFILE, ENOMEM)

// With a variable number of arguments; the library passes three at most.
SWEEP_CALL(int, open, -1, (const char* p, int f, mode_t m), (p, f, m), EACCES, EINTR, EMFILE,
           ENFILE, ENOENT, ENOSPC, EROFS)
SWEEP_CALL(int, fcntl, -1, (int fd, int c, void* p), (fd, c, p), EAGAIN, EINTR, ENOLCK)

// -- io_uring ---------------------------------------------------------------------------------

SWEEP_URING_CALL(io_uring_queue_init_params, (unsigned n, io_uring* r, io_uring_params* p),
                 (n, r, p), EMFILE, ENFILE, ENOMEM, EPERM, ENOSYS)
SWEEP_URING_CALL(io_uring_register_buf_ring, (io_uring * r, io_uring_buf_reg* b, unsigned f),
                 (r, b, f), ENOMEM, EEXIST)
SWEEP_URING_CALL(io_uring_submit, (io_uring * r), (r), EAGAIN, EBUSY, EINTR)
SWEEP_URING_CALL(io_uring_submit_and_get_events, (io_uring * r), (r), EAGAIN, EBUSY, EINTR)
SWEEP_URING_CALL(io_uring_get_events, (io_uring * r), (r), EAGAIN, EINTR)
SWEEP_URING_CALL(io_uring_submit_and_wait_timeout,
                 (io_uring * r, io_uring_cqe** c, unsigned n, __kernel_timespec* t, sigset_t* s),
                 (r, c, n, t, s), EAGAIN, EBUSY, EINTR, ETIME)

} // extern "C"
