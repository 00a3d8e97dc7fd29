// How the io_uring port sends.
//
// The credit rule. Sends that the kernel takes at once, in the order of the ring, need no
// completion of their own; but one that finds the socket full would be overtaken by those behind
// it. So no more are batched than the send buffer has room for, counting those that are prepared
// and not submitted. Then one send may wait for room, alone.

#include "port/linux/io_uring_port.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
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

/// If the kernel does not tell, there is no room: the next send waits for its own completion.
int64_t bytes_in_send_buffer(int fd) noexcept {
  int value = 0;
  return ioctl(fd, SIOCOUTQ, &value) == 0 ? value : INT32_MAX;
}

} // namespace

// -- submitting -------------------------------------------------------------------------------

void io_uring_port::begin_writing(slot& s) {
  if (s.writing == slot::write_state::waiting)
    return;
  auto mode = s.pipe->settings().mode;
  auto refreshed = false;
  int64_t prepared = 0;
  while (s.batched < s.writes.size() && s.batched < most_batched) {
    auto size = s.writes[s.batched].size();
    auto cost = cost_of(size, mode);
    if (mode == pipe_mode::message && size > longest_message(static_cast<size_t>(s.send_buffer)))
      s.send_buffer = static_cast<int64_t>(raise_send_buffer(s.fd, size));
    // A message goes out whole while there is any room, a stream might be cut.
    auto needed = mode == pipe_mode::message ? int64_t{1} : cost;
    if (s.credit < needed && !std::exchange(refreshed, true))
      s.credit = s.send_buffer - bytes_in_send_buffer(s.fd) - prepared;
    if (s.credit < needed)
      if (auto enlarged = static_cast<int64_t>(make_room(s)); enlarged > 0)
        s.credit += enlarged - std::exchange(s.send_buffer, enlarged);
    auto* entry = next_entry();
    if (entry == nullptr)
      return slots_.mark_dirty(s);
    if (s.credit < needed || s.front_offset != 0)
      return prepare_waiting_send(s, *entry);
    prepare_batched_send(s, *entry);
    s.credit -= cost;
    prepared += cost;
  }
}

void io_uring_port::prepare_batched_send(slot& s, io_uring_sqe& entry) {
  auto& data = s.writes[s.batched];
  io_uring_prep_send(&entry, s.fd, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry.user_data = tag_of(operation::send_batched, s, s.batched);
  if (s.batched++ == 0)
    batches_.push_back(s.index);
  // Once it is submitted, it is reported.
  reported_ = true;
}

void io_uring_port::prepare_waiting_send(slot& s, io_uring_sqe& entry) {
  auto& data = s.writes[s.batched];
  auto wait_all = s.pipe->settings().mode == pipe_mode::byte ? MSG_WAITALL : 0;
  io_uring_prep_send(&entry, s.fd, data.data() + s.front_offset, data.size() - s.front_offset,
                     MSG_NOSIGNAL | wait_all);
  entry.user_data = tag_of(operation::send_waiting, s);
  s.writing = slot::write_state::waiting;
  s.credit = 0;
}

// -- completions ------------------------------------------------------------------------------

void io_uring_port::note_failed_send(const io_uring_cqe& completion) {
  auto& s = slots_[index_of(completion)];
  assert(s.batched > 0);
  // Whichever call comes first takes the socket's error: reading will see the end only.
  s.reset |= completion.res == -ECONNRESET;
  failed_sends_.push_back(
    {s.index, static_cast<uint16_t>(completion.user_data >> tag_position_shift), -completion.res});
}

void io_uring_port::report_batches() {
  for (auto index : batches_) {
    auto& s = slots_[index];
    report_batch(s);
    if (s.closing() || !s.writes.empty())
      slots_.mark_dirty(s);
  }
  batches_.clear();
  failed_sends_.clear();
}

void io_uring_port::report_batch(slot& s) {
  // Everything prepared was submitted in this turn, and what failed has posted a
  // completion: the rest was sent.
  size_t sent = 0;
  auto count = std::exchange(s.batched, uint16_t{0});
  for (uint16_t position = 0; position < count; ++position) {
    auto failed = std::find_if(failed_sends_.begin(), failed_sends_.end(), [&](auto& f) {
      return f.slot == s.index && f.position == position;
    });
    if (failed == failed_sends_.end()) {
      ++sent;
      continue;
    }
    report_sent(s, std::exchange(sent, 0));
    send_failed(s, failed->error_number);
  }
  report_sent(s, sent);
}

void io_uring_port::on_waiting_sent(slot& s, int result) {
  s.writing = slot::write_state::flowing;
  slots_.mark_dirty(s);
  // The sends that went before it in the same turn come first in the queue, too.
  report_batch(s);
  if (s.closing() || result == -EINTR || result == -EAGAIN)
    return;
  if (result < 0)
    return send_failed(s, -result);
  s.front_offset += static_cast<size_t>(result);
  if (s.front_offset < s.writes.front().size())
    return;
  s.front_offset = 0;
  report_sent(s, 1);
}

void io_uring_port::send_failed(slot& s, int error_number) {
  if (s.closing())
    return; // it fails with all others at the end
  s.reset |= error_number == ECONNRESET;
  fail_writes(s, 1, unix_error(error_number, "cannot write to a pipe"));
}

} // namespace pipeactor::port
