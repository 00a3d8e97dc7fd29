#include "port/linux/unix_port.hpp"

#include "base/errors.hpp"
#include "base/log.hpp"

#include <cerrno>

namespace pipeactor::port {

accept_failure accept_failure_of(int error_number) noexcept {
  switch (error_number) {
  case EAGAIN:
    return accept_failure::no_client;
  case EBADF:
  case EFAULT:
  case EINVAL:
  case ENOTSOCK:
  case EOPNOTSUPP:
    return accept_failure::listener_dead;
  case EINTR:
  case ECONNABORTED:
  case EPROTO:
    return accept_failure::client_gone;
  default:
    // EMFILE, ENFILE, ENOMEM, ENOBUFS; EPERM, whose client stays in the backlog. Whatever it is,
    // no core spins.
    return accept_failure::not_now;
  }
}

caf::error hung_up(const std::string& path) {
  return errors::failed(errc::os_error, "cannot accept clients of " + path, 0,
                        "another process that shares its socket has shut it down");
}

caf::error files_removed(const std::string& path) {
  return errors::failed(errc::os_error, "cannot be found at " + path, 0,
                        "somebody has removed or renamed its socket file or its lock file");
}

size_t count_complete(pipe_slot& s, size_t bytes) {
  size_t complete = 0;
  s.front_offset += bytes;
  while (complete < s.writes.size() && s.front_offset >= s.writes[complete].size()) {
    s.front_offset -= s.writes[complete].size();
    ++complete;
  }
  return complete;
}

void notify(int event_fd) noexcept {
  uint64_t one = 1;
  while (::write(event_fd, &one, sizeof(one)) < 0) {
    // EAGAIN: 2^64 - 2 calls were not taken note of, so the event is there.
    if (errno == EAGAIN)
      return;
    if (errno != EINTR) {
      detail::log_warning("a bridge cannot be woken: "
                          + describe(unix_error(errno, "cannot write to an eventfd")));
      return;
    }
  }
}

// The ports watch for the end, also if reading is paused.
bool has_left_unseen(native_handle_type) noexcept {
  return false;
}

} // namespace pipeactor::port
