// The io_uring port's sends and completions; its requests and its loop are in
// io_uring.cpp.

#include "base/errors.hpp"
#include "base/log.hpp"
#include "port/linux/io_uring_port.hpp"
#include "port/linux/unix_error.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace pipeactor::port {

namespace {

/// A stream's bytes are cut into buffers of at most this size on their way.
constexpr size_t stream_piece = size_t{32} << 10;
constexpr int64_t buffer_overhead = 2048;
constexpr uint16_t most_batched = UINT16_MAX;

/// What a send takes from SO_SNDBUF at most. The kernel counts the memory that it
/// allocates, not the bytes.
int64_t cost_of(size_t size, pipe_mode mode) noexcept {
  auto pieces = mode == pipe_mode::message ? size_t{1} : size / stream_piece + 1;
  return static_cast<int64_t>(2 * size) + static_cast<int64_t>(pieces) * buffer_overhead;
}

int64_t bytes_in_send_buffer(int fd) noexcept {
  int value = 0;
  return ioctl(fd, SIOCOUTQ, &value) == 0 ? value : INT32_MAX;
}

} // namespace

// -- sending ----------------------------------------------------------------------------------

void io_uring_port::prepare_sends(slot& x) {
  // The credit rule. Sends that the kernel takes at once, in the order of the ring, need no
  // completion of their own; but one that finds the socket full would be overtaken by those
  // behind it. So no more are batched than the send buffer has room for, counting those
  // that are prepared and not submitted. Then one send may wait for room, alone.
  if (x.send_waiting || x.writes.size() == x.batched)
    return;
  auto mode = x.pipe->settings().mode;
  auto refreshed = false;
  int64_t prepared = 0;
  for (size_t next = x.batched; next < x.writes.size() && x.batched < most_batched; ++next) {
    auto& data = x.writes[next];
    auto size = data.size();
    auto cost = cost_of(size, mode);
    if (mode == pipe_mode::message && size > longest_message(static_cast<size_t>(x.send_buffer)))
      x.send_buffer = static_cast<int64_t>(raise_send_buffer(x.fd, size));
    // A message goes out whole while there is any room, a stream might be cut.
    auto needed = mode == pipe_mode::message ? int64_t{1} : cost;
    if (x.credit < needed && !refreshed) {
      x.credit = x.send_buffer - bytes_in_send_buffer(x.fd) - prepared;
      refreshed = true;
    }
    if (x.credit < needed && !std::exchange(x.enlarged, true)) {
      auto before = x.send_buffer;
      x.send_buffer = static_cast<int64_t>(raise_send_buffer(x.fd, defaults::busy_send_buffer));
      x.credit += x.send_buffer - before;
    }
    if (x.credit < needed || x.front_offset != 0) {
      if (next == x.batched)
        prepare_waiting_send(x);
      break;
    }
    auto* sqe = ring_.next_entry();
    io_uring_prep_send(sqe, x.fd, data.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = tag(operation::send_batched, x, x.batched);
    x.credit -= cost;
    prepared += cost;
    if (x.batched++ == 0)
      batches_.push_back(index_of(x));
  }
}

void io_uring_port::prepare_waiting_send(slot& x) {
  auto& data = x.writes[x.batched];
  auto* sqe = ring_.next_entry();
  auto wait_all = x.pipe->settings().mode == pipe_mode::byte ? MSG_WAITALL : 0;
  io_uring_prep_send(sqe, x.fd, data.data() + x.front_offset, data.size() - x.front_offset,
                     MSG_NOSIGNAL | wait_all);
  sqe->user_data = tag(operation::send_waiting, x);
  x.send_waiting = true;
  x.credit = 0;
}

void io_uring_port::note_failed_send(const io_uring_cqe& completion) {
  auto index = index_of(completion);
  assert(index < slots_.size() && slots_[index].batched > 0);
  // Whichever call comes first takes the socket's error: reading will see the end only.
  slots_[index].reset |= completion.res == -ECONNRESET;
  failed_sends_.push_back(
    {index, static_cast<uint16_t>(completion.user_data >> tag_position_shift), -completion.res});
}

void io_uring_port::report_batches() {
  for (auto index : batches_) {
    auto& x = slots_[index];
    report_batch(x);
    if (x.closing || !x.writes.empty())
      mark_dirty(x);
  }
  batches_.clear();
  failed_sends_.clear();
  // Callbacks close pipes, but only the next turn makes more of them closable.
  for (auto index : std::exchange(closable_, {}))
    finish_close(slots_[index]);
}

void io_uring_port::report_batch(slot& x) {
  // Everything prepared was submitted in this turn, and what failed has posted a
  // completion: the rest was sent.
  size_t sent = 0;
  auto count = std::exchange(x.batched, uint16_t{0});
  for (uint16_t position = 0; position < count; ++position) {
    auto failed = std::find_if(failed_sends_.begin(), failed_sends_.end(), [&](auto& f) {
      return f.slot == index_of(x) && f.position == position;
    });
    if (failed == failed_sends_.end()) {
      ++sent;
      continue;
    }
    report_sent(x, std::exchange(sent, 0));
    send_failed(x, failed->error_number);
  }
  report_sent(x, sent);
}

void io_uring_port::on_waiting_send(slot& x, int result) {
  x.send_waiting = false;
  mark_dirty(x);
  // The sends that went before it in the same turn come first in the queue, too.
  report_batch(x);
  if (x.closing)
    return;
  if (result == -EINTR || result == -EAGAIN)
    return;
  if (result < 0) {
    send_failed(x, -result);
    return;
  }
  x.front_offset += static_cast<size_t>(result);
  if (x.front_offset < x.writes.front().size())
    return;
  x.front_offset = 0;
  report_sent(x, 1);
}

void io_uring_port::report_sent(slot& x, size_t count) {
  if (count == 0)
    return;
  for (size_t left = count; left > 0; --left)
    x.writes.pop_front();
  if (!x.closing)
    handler_->on_sent(*x.pipe, count);
}

void io_uring_port::send_failed(slot& x, int error_number) {
  x.reset |= error_number == ECONNRESET;
  report_failed(x, 1, unix_error(error_number, "cannot send"));
}

void io_uring_port::report_failed(slot& x, size_t count, const caf::error& reason) {
  for (size_t left = count; left > 0; --left)
    x.writes.pop_front();
  x.front_offset = 0;
  handler_->on_write_failed(*x.pipe, count, reason);
}

// -- completions ------------------------------------------------------------------------------

void io_uring_port::complete(const io_uring_cqe& completion) {
  auto what = operation_of(completion);
  auto index = index_of(completion);
  switch (what) {
  case operation::ignored:
    return;
  case operation::wake:
    event_armed_ = false;
    return;
  case operation::accept:
    on_accept(index, completion);
    return;
  case operation::send_batched:
    // Noted already where the batches are reported.
    if (!batches_.empty())
      note_failed_send(completion);
    return;
  case operation::receive:
  case operation::watch_end:
  case operation::send_waiting:
    break;
  }
  assert(index < slots_.size());
  auto& x = slots_[index];
  auto generation = static_cast<uint16_t>(completion.user_data >> tag_generation_shift);
  assert(x.pipe != nullptr && generation == x.generation);
  if (x.pipe == nullptr || generation != x.generation)
    return;
  if (what == operation::receive) {
    on_receive(x, completion);
  } else if (what == operation::watch_end) {
    x.watching_end = false;
    x.end_seen = completion.res > 0;
    mark_dirty(x);
    end_if_nothing_is_left(x);
  } else {
    on_waiting_send(x, completion.res);
  }
}

void io_uring_port::on_accept(listener_id id, const io_uring_cqe& completion) {
  auto i = listeners_.find(id);
  if (completion.res >= 0) {
    auto accepted = std::make_unique<unix_pipe>(unique_fd{completion.res});
    if (i != listeners_.end() && !i->second.closing)
      handler_->on_accepted(id, std::move(accepted));
    i = listeners_.find(id);
  }
  if (i == listeners_.end() || (completion.flags & IORING_CQE_F_MORE) != 0)
    return;
  auto& x = i->second;
  x.armed = false;
  if (x.closing || completion.res >= 0)
    return;
  switch (-completion.res) {
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case ENOBUFS:
    // Clients wait in the backlog until descriptors are free again.
    x.resting = true;
    x.rest_until = clock::now() + defaults::accept_backoff;
    if (!std::exchange(x.warned, true))
      detail::log_warning("cannot accept for now: "
                          + describe(unix_error(-completion.res, x.socket.claim.path())));
    break;
  default:
    break;
  }
}

void io_uring_port::on_receive(slot& x, const io_uring_cqe& completion) {
  auto has_buffer = (completion.flags & IORING_CQE_F_BUFFER) != 0;
  auto buffer = static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  auto limit = x.pipe->settings().receive_limit;
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    x.armed = receiving::nothing;
    x.cancelling_receive = false;
    mark_dirty(x);
  }
  if (x.closing || x.read_ended || completion.res <= 0) {
    if (has_buffer)
      x.buffers->put_back(buffer);
    if (!x.closing && !x.read_ended) {
      on_receive_failed(x, -completion.res);
      end_if_nothing_is_left(x);
    }
    return;
  }
  auto size = static_cast<size_t>(completion.res);
  if (size > limit) {
    x.buffers->put_back(buffer);
    end_reading(x, errors::received_too_large(size, limit));
    return;
  }
  if (x.single_reads > 0)
    --x.single_reads;
  auto data = x.buffers->take(buffer, size, x.pipe->settings().account);
  handler_->on_received(*x.pipe, std::move(data));
  end_if_nothing_is_left(x);
}

void io_uring_port::on_receive_failed(slot& x, int error_number) {
  switch (error_number) {
  case 0:
    if (is_end_of_input(x)) {
      end_of_input(x);
      return;
    }
    if (x.single_reads > 0)
      --x.single_reads;
    handler_->on_received(*x.pipe,
                          payload{detail::copy_received(nullptr, 0, x.pipe->settings().account)});
    return;
  case ECONNRESET:
    // The peer left without reading all that we sent. What it sent before is still there.
    x.reset = true;
    return;
  case ENOBUFS:
    x.buffers->grow();
    return;
  case ECANCELED:
  case EAGAIN:
  case EINTR:
    return;
  default:
    end_reading(x, unix_error(error_number, "cannot receive"));
  }
}

/// Nobody reads, and the peer has gone without leaving anything to read.
void io_uring_port::end_if_nothing_is_left(slot& x) {
  // A receive that is still armed may have taken messages that come after the poll's word.
  if (x.end_seen && x.armed == receiving::nothing && !x.closing && !x.read_ended && !x.continuous
      && x.single_reads == 0 && unread_bytes(x.fd) == 0)
    end_reading(x, errors::closed_by_peer(x.reset));
}

bool io_uring_port::is_end_of_input(slot& x) {
  if (x.pipe->settings().mode == pipe_mode::byte)
    return true;
  // A message is followed by others or, while the peer may still write, by nothing; only the
  // last one, directly before the end, looks like the end.
  stamp_messages(x.fd);
  auto next = peek_input(x.fd, pipe_mode::message);
  if (next == peeked::reset) {
    x.reset = true;
    next = peek_input(x.fd, pipe_mode::message);
  }
  return next == peeked::end_of_file;
}

void io_uring_port::end_of_input(slot& x) {
  x.input_ended = true;
  end_reading(x, errors::closed_by_peer(x.reset));
}

void io_uring_port::end_reading(slot& x, const caf::error& reason) {
  x.read_ended = true;
  set_closing(*x.pipe);
  handler_->on_read_ended(*x.pipe, reason);
}

} // namespace pipeactor::port
