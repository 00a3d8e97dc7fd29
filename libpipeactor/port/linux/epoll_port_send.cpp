// How the epoll port sends.

#include "port/linux/epoll_port.hpp"

#include <algorithm>
#include <cerrno>

namespace pipeactor::port {

namespace {

/// Takes note of `bytes` that left.
/// @returns the number of writes that are complete
size_t count_complete(epoll_slot& s, size_t bytes) {
  size_t complete = 0;
  s.front_offset += bytes;
  while (complete < s.writes.size() && s.front_offset >= s.writes[complete].size()) {
    s.front_offset -= s.writes[complete].size();
    ++complete;
  }
  return complete;
}

} // namespace

/// Sends one batch; what is left over is for the next turn.
void epoll_port::begin_writing(slot& s) {
  if (s.closing() || s.writes.empty() || s.writing == slot::write_state::waiting)
    return;
  if (s.writing == slot::write_state::failed)
    return fail_writes(s, s.writes.size(), unix_error(s.write_error, "cannot write to a pipe"));
  auto message_mode = s.pipe->settings().mode == pipe_mode::message;
  auto asked = std::min(s.writes.size(), send_batch::capacity);
  auto raised = false;
  ssize_t result = 0;
  do {
    result = message_mode ? sends_.send_messages(s.fd, s.writes)
                          : sends_.send_bytes(s.fd, s.writes, s.front_offset);
  } while (result < 0 && write_again(s, errno, raised));
  if (result >= 0) {
    auto sent = static_cast<size_t>(result);
    if (!message_mode)
      sent = count_complete(s, sent);
    // The kernel took less than it was offered: it is full, or the next call says what is wrong.
    if (sent < asked && make_room(s) == 0)
      s.writing = slot::write_state::waiting;
    report_sent(s, sent);
  }
  if (!s.closing() && !s.writes.empty() && s.writing == slot::write_state::flowing)
    slots_.mark_dirty(s);
}

/// @param raised whether the send buffer was raised for the oldest message already
/// @returns whether to try the write that failed again
bool epoll_port::write_again(slot& s, int error_number, bool& raised) {
  auto message_mode = s.pipe->settings().mode == pipe_mode::message;
  auto size = s.writes.front().size();
  switch (error_number) {
  case EINTR:
    return true;
  case EAGAIN:
    if (make_room(s) > 0)
      return true;
    s.writing = slot::write_state::waiting;
    return false;
  case EMSGSIZE:
    // Raised for the first message that needs it: idle connections cost no system call.
    if (!std::exchange(raised, true) && longest_message(raise_send_buffer(s.fd, size)) >= size)
      return true;
    fail_writes(s, 1,
                unix_error(error_number,
                           "cannot send a message of " + std::to_string(size) + " bytes"));
    return false;
  case ENOBUFS:
  case ENOMEM:
    if (message_mode) {
      fail_writes(s, 1, unix_error(error_number, "cannot write to a pipe"));
      return false;
    }
    break; // a stream with a piece missing is of no use
  case ECONNRESET:
    s.reset = true;
    break;
  default:
    break;
  }
  s.writing = slot::write_state::failed;
  s.write_error = error_number;
  fail_writes(s, s.writes.size(), unix_error(error_number, "cannot write to a pipe"));
  return false;
}

} // namespace pipeactor::port
