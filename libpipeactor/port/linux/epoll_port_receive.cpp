// How the epoll port receives.

#include "base/errors.hpp"
#include "port/linux/epoll_port.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

namespace pipeactor::port {

namespace {

/// How long reading waits for handlers to release receive buffers.
constexpr std::chrono::milliseconds starved_wait{1};

} // namespace

caf::error epoll_port::prepare_reading(slot& s) {
  auto& settings = s.pipe->settings();
  // An empty message and the end would look the same.
  if (settings.mode == pipe_mode::message)
    if (auto err = stamp_messages(s.fd))
      return err;
  auto& batch = batches_[settings.receive_limit];
  if (batch == nullptr) {
    try {
      batch = std::make_unique<receive_batch>(settings.receive_limit);
    } catch (const std::bad_alloc&) {
      return make_error(errc::out_of_resources, "cannot map receive buffers");
    }
  }
  s.batch = batch.get();
  return caf::none;
}

void epoll_port::read_messages(slot& s) {
  // One call a turn: if more is left, epoll says so again.
  auto ready = s.batch->prepare(std::min<size_t>(receive_batch::capacity, s.reads_wanted));
  if (ready == 0)
    return starve(s);
  int result = 0;
  do {
    result = s.batch->receive_messages(s.fd, ready);
  } while (result < 0 && read_again(s, errno));
  if (result > 0)
    deliver_messages(s, static_cast<size_t>(result));
}

void epoll_port::deliver_messages(slot& s, size_t count) {
  auto& batch = *s.batch;
  // Messages that were read are delivered even if the handler pauses, but not if it closes.
  for (size_t index = 0; index < count && !s.closing(); ++index) {
    if (batch.is_end(index))
      return end_of_input(s);
    auto length = batch.length(index);
    if (length > batch.limit())
      return end_reading(s, errors::received_too_large(length, batch.limit()));
    deliver(s, batch.take(index, length, s.pipe->settings().account));
  }
}

void epoll_port::read_bytes(slot& s) {
  if (s.batch->prepare(1) == 0)
    return starve(s);
  ssize_t size = 0;
  do {
    size = s.batch->receive_bytes(s.fd);
  } while (size < 0 && read_again(s, errno));
  if (size == 0)
    return end_of_input(s);
  // One piece a turn: if more is left, epoll says so again.
  if (size > 0)
    deliver(s, s.batch->take(0, static_cast<size_t>(size), s.pipe->settings().account));
}

/// @returns whether to try the read that failed again
bool epoll_port::read_again(slot& s, int error_number) {
  switch (error_number) {
  case EINTR:
    return true;
  case EAGAIN:
    return false;
  case ECONNRESET:
    // Comes first; what the peer wrote before can still be read.
    s.reset = true;
    return true;
  default:
    end_reading(s, unix_error(error_number, "cannot read from a pipe"));
    return false;
  }
}

/// Something came for a pipe that does not read. If it is the end, and nothing unread is left,
/// the end is reported at once.
void epoll_port::look_behind_hangup(slot& s, uint32_t events) {
  if (s.reading_ended() || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
    return;
  if (is_read_out(s)) {
    end_of_input(s);
    return;
  }
  s.input = input_state::hung_up;
  set_closing(*s.pipe);
}

void epoll_port::starve(slot& s) {
  s.starved = true;
  starved_.push_back(s.index);
  starved_until_ = now() + starved_wait;
}

} // namespace pipeactor::port
