// How the io_uring port sends.
//
// A stream has one send in the ring, of as many payloads as wait, and its completion says how many
// bytes left. Nothing can overtake it.
//
// Messages: the credit rule. Sends that the kernel takes at once, in the order of the ring, need no
// completion of their own; but one that finds the socket full would be overtaken by those behind
// it. So no more are batched than the send buffer has room for, counting those that are prepared
// and not submitted. Then one send may wait for room, alone. The credit is a guess about the
// kernel's accounting: if a batched send fails all the same, and none behind it left, it is tried
// again; else the pipe ends.

#include "port/linux/io_uring_port.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace pipeactor::port {

namespace {

constexpr int64_t buffer_overhead = 2048;
constexpr uint16_t most_batched = UINT16_MAX;
/// What one send is given at most: io_uring counts in 32 bits, and tells the result in 31.
constexpr size_t longest_send = size_t{1} << 30;

/// What a message takes from SO_SNDBUF at most. The kernel counts the memory that it allocates, not
/// the bytes.
int64_t cost_of(size_t size) noexcept {
  return static_cast<int64_t>(2 * size) + buffer_overhead;
}

/// If the kernel does not report it, there is no room: the next send waits for its own completion.
int64_t bytes_in_send_buffer(int fd) noexcept {
  int value = 0;
  return ioctl(fd, SIOCOUTQ, &value) == 0 ? value : INT32_MAX;
}

} // namespace

// -- submitting -------------------------------------------------------------------------------

void io_uring_port::begin_writing(slot& s) {
  if (s.writing == slot::write_state::waiting || s.batched == s.writes.size())
    return;
  if (s.write_error != 0)
    return s.batched == 0 ? fail_late_writes(s) : void();
  auto is_stream = s.pipe->settings().mode == pipe_mode::byte;
  auto refreshed = false;
  int64_t prepared = 0;
  while (s.batched < s.writes.size() && s.batched < most_batched) {
    auto size = s.writes[s.batched].size();
    if (!is_stream && size > longest_message(static_cast<size_t>(s.send_buffer)))
      s.send_buffer = static_cast<int64_t>(raise_send_buffer(s.fd, size));
    // A message goes out whole while there is any room.
    if (!is_stream && s.credit <= 0 && !std::exchange(refreshed, true))
      s.credit = s.send_buffer - bytes_in_send_buffer(s.fd) - prepared;
    if (!is_stream && s.credit <= 0)
      if (auto enlarged = static_cast<int64_t>(make_room(s)); enlarged > 0)
        s.credit += enlarged - std::exchange(s.send_buffer, enlarged);
    auto* entry = next_entry();
    if (entry == nullptr)
      return slots_.mark_dirty(s);
    if (is_stream)
      return prepare_stream_send(s, *entry);
    if (s.credit <= 0 || s.distrusted)
      return prepare_waiting_send(s, *entry);
    prepare_batched_send(s, *entry);
    s.credit -= cost_of(size);
    prepared += cost_of(size);
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
  io_uring_prep_send(&entry, s.fd, data.data(), data.size(), MSG_NOSIGNAL);
  entry.user_data = tag_of(operation::send_waiting, s);
  s.writing = slot::write_state::waiting;
  s.credit = 0;
}

void io_uring_port::prepare_stream_send(slot& s, io_uring_sqe& entry) {
  // The first time that there is no room has to show: it is answered by making room.
  auto flags = MSG_NOSIGNAL | (s.enlarged ? 0 : MSG_DONTWAIT);
  auto* begin = s.writes.front().data() + s.front_offset;
  s.asked = std::min(s.writes.front().size() - s.front_offset, longest_send);
  if (s.writes.size() == 1 || s.asked == longest_send) {
    io_uring_prep_send(&entry, s.fd, begin, s.asked, flags);
  } else {
    if (s.vector == nullptr)
      s.vector = std::make_unique<slot::send_vector>();
    auto& [header, pieces] = *s.vector;
    // iovec serves both directions, hence the cast; sending only reads.
    pieces[0] = {const_cast<std::byte*>(begin), s.asked};
    size_t count = 1;
    for (; count < std::min(s.writes.size(), slot::send_vector::capacity); ++count) {
      auto& data = s.writes[count];
      if (data.size() > longest_send - s.asked)
        break;
      pieces[count] = {const_cast<std::byte*>(data.data()), data.size()};
      s.asked += data.size();
    }
    header = {};
    header.msg_iov = pieces;
    header.msg_iovlen = count;
    io_uring_prep_sendmsg(&entry, s.fd, &header, flags);
  }
  entry.user_data = tag_of(operation::send_waiting, s);
  s.writing = slot::write_state::waiting;
}

// -- completions ------------------------------------------------------------------------------

void io_uring_port::note_failed_send(const io_uring_cqe& completion) {
  auto& s = slots_[index_of(completion)];
  assert(s.batched > 0);
  // The first call to fail takes the socket's error: reading will see only the end.
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
  auto count = std::exchange(s.batched, uint16_t{0});
  size_t sent = 0;
  for (uint16_t position = 0; position < count && !s.closing(); ++position) {
    auto failed = std::find_if(failed_sends_.begin(), failed_sends_.end(), [&](auto& f) {
      return f.slot == s.index && f.position == position;
    });
    if (failed == failed_sends_.end()) {
      ++sent;
      continue;
    }
    report_sent(s, std::exchange(sent, 0));
    if (failed->error_number != EMSGSIZE)
      return batch_broke(s, position, count, failed->error_number);
    send_failed(s, EMSGSIZE);
  }
  report_sent(s, sent);
}

/// A batched send failed that should not have: the credit was wrong, the system had no memory for
/// it, or the peer is gone.
void io_uring_port::batch_broke(slot& s, uint16_t position, uint16_t count, int error_number) {
  auto failed = std::count_if(failed_sends_.begin(), failed_sends_.end(),
                              [&](auto& f) { return f.slot == s.index && f.position >= position; });
  auto overtaken = failed < count - position || s.writing == slot::write_state::waiting;
  auto was_full = error_number == EAGAIN || error_number == EINTR;
  if (was_full && !overtaken) {
    s.distrusted = true;
    s.send_buffer = static_cast<int64_t>(raise_send_buffer(s.fd, 0));
    slots_.mark_dirty(s);
    return;
  }
  s.write_error = was_full ? ENOBUFS : error_number;
  if (s.writing == slot::write_state::waiting)
    // It must not leave; its completion ends writing.
    shutdown(s.fd, SHUT_WR);
  else
    end_writing(s, s.write_error);
}

void io_uring_port::on_waiting_sent(slot& s, int result) {
  s.writing = slot::write_state::flowing;
  s.distrusted = false;
  slots_.mark_dirty(s);
  // The sends that went before it in the same turn come first in the queue, too.
  report_batch(s);
  if (s.closing() || s.writes.empty())
    return;
  if (s.write_error != 0)
    return end_writing(s, s.write_error);
  if (result == -EAGAIN || result == -EINTR) {
    make_room(s);
    return;
  }
  if (result < 0)
    return send_failed(s, -result);
  if (s.pipe->settings().mode == pipe_mode::message)
    return report_sent(s, 1);
  auto bytes = static_cast<size_t>(result);
  auto complete = count_complete(s, bytes);
  if (bytes < s.asked)
    make_room(s);
  report_sent(s, complete);
}

void io_uring_port::send_failed(slot& s, int error_number) {
  if (s.closing())
    return; // it fails with all others at the end
  if (error_number == EMSGSIZE)
    fail_writes(s, 1, unix_error(error_number, "cannot write to a pipe"));
  else
    end_writing(s, error_number);
}

} // namespace pipeactor::port
