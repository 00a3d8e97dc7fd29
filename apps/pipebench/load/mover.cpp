#include "mover.hpp"

#include "clock.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pipebench {

namespace {

constexpr size_t sequence_size = sizeof(uint64_t);
constexpr size_t most_buffer_memory = 16u << 20;
constexpr size_t most_send_buffer = 64u << 20;
constexpr size_t stream_buffer_size = 64u << 10;

/// Returns an upper bound of what a message takes of a socket's send buffer, in the kernel's unit.
constexpr size_t cost_of(size_t frame) {
  return 2 * frame + 2048;
}

size_t buffer_size_for(const mover::config& cfg) {
  // A little more than a message, so that one that is too long is noticed.
  auto size = cfg.message_size + 64;
  return is_stream(cfg.speaks) ? std::max(size, stream_buffer_size) : size;
}

size_t buffer_count_for(const mover::config& cfg, size_t connections) {
  auto wanted = connections * cfg.in_flight;
  size_t count = 64;
  while (count < wanted && count < 8192 && count * 2 * buffer_size_for(cfg) <= most_buffer_memory)
    count *= 2;
  return count;
}

std::string pattern_of(size_t size) {
  std::string result(size, '\0');
  for (size_t i = 0; i < size; ++i)
    result[i] = static_cast<char>(i * 131 + 7);
  return result;
}

} // namespace

mover::mover(config cfg, const std::vector<endpoint>& endpoints)
    : cfg_(cfg), ring_(buffer_count_for(cfg, endpoints.size()), buffer_size_for(cfg)),
      connections_(endpoints.size()), pattern_(pattern_of(cfg.message_size)),
      prefix_(prefix_of(cfg.speaks, endpoints.front().as, cfg.message_size)),
      frame_(prefix_ + pattern_),
      pool_(std::clamp<size_t>((2u << 20) / frame_.size(), 16, 128), frame_) {
  for (size_t i = 0; i < endpoints.size(); ++i) {
    auto& c = connections_[i];
    c.socket = connect_to(endpoints[i].path, is_stream(cfg.speaks));
    shake_hands(c.socket.get(), cfg.speaks, endpoints[i].as);
    c.prefix = prefix_of(cfg.speaks, endpoints[i].as, cfg.message_size);
    auto wanted = cfg.in_flight * cost_of(frame_.size());
    c.send_buffer = raise_send_buffer(c.socket.get(), std::min(wanted, most_send_buffer));
    arm(i);
  }
  arm_tick();
}

void mover::arm(size_t index) {
  auto* entry = ring_.next_entry();
  io_uring_prep_recv_multishot(entry, connections_[index].socket.get(), nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = 0;
  entry->user_data = tag(operation::receive, index);
}

void mover::arm_tick() {
  auto* entry = ring_.next_entry();
  io_uring_prep_timeout(entry, &tick_, 0, 0);
  entry->user_data = tag(operation::tick, 0);
}

void mover::owe(size_t connection) {
  ++connections_[connection].owed;
  pump(connection);
}

bool mover::has_room(const connection& c) const noexcept {
  // Messages that are not settled may still be in the socket.
  auto used = (c.sent - c.settled) * cost_of(frame_.size());
  if (is_stream(cfg_.speaks))
    return used + cost_of(frame_.size()) <= c.send_buffer;
  return used < c.send_buffer;
}

void mover::pump(size_t index) {
  auto& c = connections_[index];
  while (c.owed > 0 && !c.sending && !c.lost) {
    if (has_room(c))
      send_at_once(index);
    else
      send_waiting(index);
    ++c.sent;
    --c.owed;
  }
}

void mover::stamp(char* frame, uint64_t sequence) const noexcept {
  std::memcpy(frame + prefix_.size(), &sequence, sequence_size);
}

void mover::send_at_once(size_t index) {
  auto& c = connections_[index];
  if (pool_used_ == pool_.size())
    ring_.submit();
  auto* entry = ring_.next_entry();
  if (pool_submission_ != ring_.submissions()) {
    pool_submission_ = ring_.submissions();
    pool_used_ = 0;
  }
  auto& frame = pool_[pool_used_++];
  stamp(frame.data(), c.sent);
  io_uring_prep_send(entry, c.socket.get(), frame.data(), frame.size(),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = tag(operation::send, index);
}

void mover::send_waiting(size_t index) {
  auto& c = connections_[index];
  if (c.waiting.empty())
    c.waiting = frame_;
  stamp(c.waiting.data(), c.sent);
  auto* entry = ring_.next_entry();
  auto whole = is_stream(cfg_.speaks) ? MSG_WAITALL : 0;
  io_uring_prep_send(entry, c.socket.get(), c.waiting.data(), c.waiting.size(),
                     MSG_NOSIGNAL | whole);
  entry->user_data = tag(operation::waiting_send, index);
  c.sending = true;
}

void mover::turn(workload& work) {
  ring_.turn(cfg_.poll);
  auto now = now_ns();
  ring_.for_each_completion([&](const io_uring_cqe& entry) { complete(entry, work, now); });
  work.turn(now);
}

void mover::complete(const io_uring_cqe& entry, workload& work, uint64_t now) {
  auto index = static_cast<size_t>(static_cast<uint32_t>(entry.user_data));
  switch (static_cast<operation>(entry.user_data >> 32)) {
  case operation::receive:
    complete_receive(index, entry, work, now);
    break;
  case operation::send: // only failures complete
    ++faults_.not_sent;
    break;
  case operation::waiting_send:
    connections_[index].sending = false;
    if (entry.res != static_cast<int>(frame_.size()))
      ++faults_.not_sent;
    pump(index);
    break;
  case operation::tick:
    arm_tick();
    break;
  }
}

void mover::complete_receive(size_t index, const io_uring_cqe& entry, workload& work,
                             uint64_t now) {
  if (entry.res > 0) {
    std::string_view data{ring_.buffer(entry.flags >> IORING_CQE_BUFFER_SHIFT),
                          static_cast<size_t>(entry.res)};
    if (is_stream(cfg_.speaks))
      take_stream(index, data, work, now);
    else
      take_packet(index, data, work, now);
  } else if (entry.res != -ENOBUFS) {
    lose(connections_[index]);
    return;
  }
  if ((entry.flags & IORING_CQE_F_MORE) == 0)
    arm(index);
}

void mover::take_packet(size_t index, std::string_view data, workload& work, uint64_t now) {
  if (data.size() != cfg_.message_size)
    ++faults_.damaged;
  else
    take_message(index, data, work, now);
}

void mover::take_stream(size_t index, std::string_view data, workload& work, uint64_t now) {
  auto& c = connections_[index];
  auto head_size = c.prefix.size() + sequence_size;
  auto frame_size = c.prefix.size() + cfg_.message_size;
  while (!data.empty()) {
    if (c.have < head_size)
      c.head.append(data.substr(0, head_size - c.have));
    auto n = std::min(data.size(), frame_size - c.have);
    c.have += n;
    data.remove_prefix(n);
    if (c.have < frame_size)
      return;
    if (c.head.compare(0, c.prefix.size(), c.prefix) != 0)
      ++faults_.damaged;
    take_message(index, std::string_view{c.head}.substr(c.prefix.size()), work, now);
    c.have = 0;
    c.head.clear();
  }
}

void mover::take_message(size_t index, std::string_view head, workload& work, uint64_t now) {
  auto& c = connections_[index];
  uint64_t sequence = 0;
  std::memcpy(&sequence, head.data(), sequence_size);
  if (sequence != c.received)
    ++faults_.out_of_order;
  // A message in one piece is compared as a whole now and then.
  if (head.size() == cfg_.message_size && (sequence & 1023) == 0
      && head.substr(sequence_size) != std::string_view{pattern_}.substr(sequence_size))
    ++faults_.damaged;
  ++c.received;
  work.received(index, sequence, now);
}

void mover::lose(connection& c) {
  if (!c.lost)
    ++faults_.connections_lost;
  c.lost = true;
}

} // namespace pipebench
