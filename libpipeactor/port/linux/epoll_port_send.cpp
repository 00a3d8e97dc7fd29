// How the epoll port sends.

#include "port/linux/epoll_port.hpp"

#include <algorithm>
#include <cerrno>

namespace pipeactor::port {

/// Sends one batch; what is left over is for the next turn.
void epoll_port::begin_writing(slot& s) {
  if (s.closing() || s.writes.empty() || s.writing == slot::write_state::waiting)
    return;
  if (s.write_error != 0)
    return fail_late_writes(s);
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
  default:
    end_writing(s, error_number);
    return false;
  }
}

} // namespace pipeactor::port
