// How the io_uring port receives.

#include "base/errors.hpp"
#include "port/linux/io_uring_port.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace pipeactor::port {

caf::error io_uring_port::prepare_reading(slot& s) {
  // Asked of each socket: the system's default may change at any time.
  s.send_buffer = static_cast<int64_t>(raise_send_buffer(s.fd, 0));
  s.credit = s.send_buffer;
  auto buffers = buffers_for(s.pipe->settings().receive_limit);
  if (!buffers)
    return std::move(buffers.error());
  s.buffers = *buffers;
  return caf::none;
}

// -- submitting -------------------------------------------------------------------------------

void io_uring_port::begin_reading(slot& s) {
  using read_state = slot::read_state;
  if (s.reading_ended())
    return;
  auto wanted = s.reads_wanted == slot::every_message ? read_state::continuous
                : s.reads_wanted > 0                  ? read_state::once
                                                      : read_state::idle;
  if (s.reading == read_state::once || s.reading == read_state::continuous) {
    auto unwanted = wanted == read_state::idle
                    || (wanted == read_state::once && s.reading == read_state::continuous);
    if (unwanted && !cancel(tag_of(operation::receive, s)))
      return slots_.mark_dirty(s);
    if (unwanted)
      s.reading = read_state::cancelling;
    return;
  }
  if (s.reading == read_state::cancelling)
    return;
  if (wanted == read_state::idle)
    return begin_watch(s);
  auto* entry = next_entry();
  if (entry == nullptr)
    return slots_.mark_dirty(s);
  // MSG_TRUNC: the result is the message's true length, so that a message that was cut
  // shows.
  auto flags = s.pipe->settings().mode == pipe_mode::message ? MSG_TRUNC : 0;
  if (wanted == read_state::continuous)
    io_uring_prep_recv_multishot(entry, s.fd, nullptr, 0, flags);
  else
    io_uring_prep_recv(entry, s.fd, nullptr, 0, flags);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = s.buffers->group();
  entry->user_data = tag_of(operation::receive, s);
  s.reading = wanted;
}

/// While nobody reads, a poll reports the end. It stays in the ring when reading goes on.
void io_uring_port::begin_watch(slot& s) {
  if (s.watching_end || s.input != input_state::open)
    return;
  auto* entry = next_entry();
  if (entry == nullptr)
    return slots_.mark_dirty(s);
  io_uring_prep_poll_add(entry, s.fd, POLLRDHUP);
  entry->user_data = tag_of(operation::watch_end, s);
  s.watching_end = true;
}

// -- completions ------------------------------------------------------------------------------

void io_uring_port::on_received(slot& s, const io_uring_cqe& completion) {
  auto has_buffer = (completion.flags & IORING_CQE_F_BUFFER) != 0;
  auto buffer = static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  auto limit = s.pipe->settings().receive_limit;
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    s.reading = slot::read_state::idle;
    slots_.mark_dirty(s);
  }
  auto unwanted = s.closing() || s.reading_ended();
  if (unwanted || completion.res <= 0) {
    if (has_buffer)
      s.buffers->put_back(buffer);
    if (!unwanted) {
      on_nothing_received(s, -completion.res);
      end_if_nothing_is_left(s);
    }
    return;
  }
  auto size = static_cast<size_t>(completion.res);
  if (size > limit) {
    s.buffers->put_back(buffer);
    end_reading(s, errors::received_too_large(size, limit));
    return;
  }
  deliver(s, s.buffers->take(buffer, size, s.pipe->settings().account));
  end_if_nothing_is_left(s);
}

/// @param error_number `errno`, or 0 for a message of no bytes or the end of the input
void io_uring_port::on_nothing_received(slot& s, int error_number) {
  switch (error_number) {
  case 0:
    if (is_end_of_input(s))
      end_of_input(s);
    else
      deliver(s, payload{detail::copy_received(nullptr, 0, s.pipe->settings().account)});
    return;
  case ECONNRESET:
    // The peer left without reading everything that we sent. What it sent before is still there.
    s.reset = true;
    return;
  case ENOBUFS:
    s.buffers->grow();
    return;
  case ECANCELED:
  case EAGAIN:
  case EINTR:
    return;
  default:
    end_reading(s, unix_error(error_number, "cannot read from a pipe"));
  }
}

void io_uring_port::on_watch_ended(slot& s, int result) {
  s.watching_end = false;
  slots_.mark_dirty(s);
  if (s.closing() || s.reading_ended())
    return;
  if (result > 0) {
    s.input = input_state::hung_up;
    set_closing(*s.pipe);
    end_if_nothing_is_left(s);
  } else if (result != -EINTR && result != -EAGAIN) {
    end_reading(s, unix_error(-result, "cannot watch a pipe"));
  }
}

/// Distinguishes an empty message from the end of the input: both are reads of 0 bytes.
bool io_uring_port::is_end_of_input(slot& s) {
  if (s.pipe->settings().mode == pipe_mode::byte)
    return true;
  // A message is followed by others or, while the peer may still write, by nothing; only the
  // last one, directly before the end, looks like the end.
  return stamp_messages(s.fd) || is_read_out(s);
}

/// Nobody reads, and the peer has gone without leaving anything to read.
void io_uring_port::end_if_nothing_is_left(slot& s) {
  // A receive that is still in the ring may have taken messages, and completes after the poll.
  if (s.input != input_state::hung_up || s.reading != slot::read_state::idle || s.closing()
      || s.reads_wanted > 0)
    return;
  // Else an empty message would be taken for nothing.
  auto refused = s.pipe->settings().mode == pipe_mode::message ? stamp_messages(s.fd)
                                                               : caf::error{};
  if (!refused && is_read_out(s))
    end_of_input(s);
}

} // namespace pipeactor::port
