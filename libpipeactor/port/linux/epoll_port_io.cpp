// How the epoll port reads and writes.

#include "base/errors.hpp"
#include "port/linux/epoll_port.hpp"
#include "port/linux/unix_error.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace pipeactor::port {

// -- reading ----------------------------------------------------------------------------------

bool epoll_port::prepare_batch(slot& x) {
  if (x.batch != nullptr)
    return true;
  try {
    x.batch = batch_for(x.pipe->settings().receive_limit);
    return true;
  } catch (const std::bad_alloc&) {
    end_reading(x, make_error(errc::out_of_resources, "cannot map receive buffers"));
    return false;
  }
}

void epoll_port::read_messages(slot& x) {
  if (!prepare_batch(x))
    return;
  // One call a turn: where more is left, epoll says so again.
  auto asked = receive_batch::capacity;
  if (!x.continuous)
    asked = std::min(asked, size_t{x.single_reads});
  auto ready = x.batch->prepare(asked);
  if (ready == 0)
    return starve(x);
  int result = 0;
  do {
    result = x.batch->receive_messages(x.fd, ready);
  } while (result < 0 && read_again(x, errno));
  if (result > 0)
    deliver(x, static_cast<size_t>(result));
}

void epoll_port::deliver(slot& x, size_t count) {
  auto& batch = *x.batch;
  auto& pipe = *x.pipe;
  // What is read already is delivered also where the handler pauses, not where it closes.
  for (size_t index = 0; index < count && !x.closing; ++index) {
    if (batch.is_end(index))
      return end_of_file(x);
    auto length = batch.length(index);
    if (length > batch.limit())
      return end_reading(x, errors::received_too_large(length, batch.limit()));
    if (x.single_reads > 0)
      --x.single_reads;
    reported_ = true;
    handler_->on_received(pipe, batch.take(index, length, pipe.settings().account));
  }
}

void epoll_port::read_bytes(slot& x) {
  if (!prepare_batch(x))
    return;
  if (x.batch->prepare(1) == 0)
    return starve(x);
  ssize_t size = 0;
  do {
    size = x.batch->receive_bytes(x.fd);
  } while (size < 0 && read_again(x, errno));
  if (size == 0)
    return end_of_file(x);
  if (size < 0)
    return;
  // One piece a turn: where more is left, epoll says so again.
  if (x.single_reads > 0)
    --x.single_reads;
  reported_ = true;
  handler_->on_received(*x.pipe,
                        x.batch->take(0, static_cast<size_t>(size), x.pipe->settings().account));
}

/// @returns whether to try the read that failed again
bool epoll_port::read_again(slot& x, int error_number) {
  switch (error_number) {
  case EINTR:
    return true;
  case EAGAIN:
    return false;
  case ECONNRESET:
    // Comes first, and what the peer wrote before can still be read.
    x.reset = true;
    return true;
  default:
    end_reading(x, unix_error(error_number, "cannot read from a pipe"));
    return false;
  }
}

void epoll_port::end_of_file(slot& x) {
  x.input_ended = true;
  end_reading(x, errors::closed_by_peer(x.reset));
}

void epoll_port::end_reading(slot& x, const caf::error& reason) {
  assert(!x.read_ended && !x.closing);
  x.read_ended = true;
  reported_ = true;
  set_closing(*x.pipe);
  handler_->on_read_ended(*x.pipe, reason);
}

/// Something came for a pipe that does not read. Where it is the end, and nothing unread is
/// left, that is told at once.
void epoll_port::look_behind_hangup(slot& x, uint32_t events) {
  if (x.read_ended || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
    return;
  auto mode = x.pipe->settings().mode;
  auto found = peek_input(x.fd, mode);
  if (found == peeked::reset) {
    x.reset = true;
    found = peek_input(x.fd, mode);
  }
  if (found == peeked::end_of_file)
    end_of_file(x);
  else
    x.hangup_seen = true;
}

void epoll_port::starve(slot& x) {
  x.starved = true;
  starved_.push_back(x.pipe->slot);
}

// -- writing ----------------------------------------------------------------------------------

/// Sends one batch; what is left over is for the next turn.
void epoll_port::flush(slot& x) {
  if (x.write_error != 0)
    return fail_writes(x, x.writes.size(), unix_error(x.write_error, "cannot write to a pipe"));
  auto message_mode = x.pipe->settings().mode == pipe_mode::message;
  auto asked = std::min(x.writes.size(), send_batch::capacity);
  auto raised = false;
  ssize_t result = 0;
  do {
    result = message_mode ? sends_.send_messages(x.fd, x.writes)
                          : sends_.send_bytes(x.fd, x.writes, x.front_offset);
  } while (result < 0 && write_again(x, errno, raised));
  if (result < 0)
    return;
  auto sent = static_cast<size_t>(result);
  if (message_mode)
    for (size_t index = 0; index < sent; ++index)
      x.writes.pop_front();
  else
    sent = take_sent_bytes(x, sent);
  // The kernel took less than it was offered: it is full, or the next call says what is wrong.
  x.write_blocked = sent < asked && !make_room(x);
  report_sent(x, sent);
}

/// Takes `bytes` off the queue.
/// @returns the number of writes that are complete
size_t epoll_port::take_sent_bytes(slot& x, size_t bytes) {
  size_t complete = 0;
  x.front_offset += bytes;
  while (!x.writes.empty() && x.front_offset >= x.writes.front().size()) {
    x.front_offset -= x.writes.front().size();
    x.writes.pop_front();
    ++complete;
  }
  return complete;
}

/// @returns whether to try the write that failed again
bool epoll_port::write_again(slot& x, int error_number, bool& raised) {
  auto message_mode = x.pipe->settings().mode == pipe_mode::message;
  auto size = x.writes.front().size();
  switch (error_number) {
  case EINTR:
    return true;
  case EAGAIN:
    x.write_blocked = !make_room(x);
    return !x.write_blocked;
  case EMSGSIZE:
    // Raised for the first message that needs it: idle connections cost no system call.
    if (!std::exchange(raised, true) && longest_message(raise_send_buffer(x.fd, size)) >= size)
      return true;
    fail_writes(x, 1,
                unix_error(error_number,
                           "cannot write a message of " + std::to_string(size) + " bytes"));
    return false;
  case ENOBUFS:
  case ENOMEM:
    if (message_mode) {
      fail_writes(x, 1, unix_error(error_number, "cannot write to a pipe"));
      return false;
    }
    break; // a stream with a piece missing is of no use
  case ECONNRESET:
    x.reset = true;
    break;
  default:
    break;
  }
  x.write_error = error_number;
  fail_writes(x, x.writes.size(), unix_error(error_number, "cannot write to a pipe"));
  return false;
}

/// @returns whether a send buffer that is full for the first time was made larger
bool epoll_port::make_room(slot& x) {
  if (std::exchange(x.enlarged, true))
    return false;
  raise_send_buffer(x.fd, defaults::busy_send_buffer);
  return true;
}

void epoll_port::report_sent(slot& x, size_t count) {
  if (count > 0) {
    reported_ = true;
    handler_->on_sent(*x.pipe, count);
  }
}

void epoll_port::fail_writes(slot& x, size_t count, const caf::error& reason) {
  if (count == 0)
    return;
  x.front_offset = 0;
  for (size_t index = 0; index < count; ++index)
    x.writes.pop_front();
  reported_ = true;
  handler_->on_write_failed(*x.pipe, count, reason);
}

} // namespace pipeactor::port
