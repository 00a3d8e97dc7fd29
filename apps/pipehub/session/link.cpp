#include "session/link.hpp"

#include "codec/encode.hpp"

#include <algorithm>

namespace pipehub {

link::link(link_context& context, link_id id, std::string user,
           std::function<void(time_point)> at_silence)
    : reader(mqtt::side::client, context.options.largest_packet), silence(std::move(at_silence)),
      context_(context), id_(id), user_(std::move(user)) {}

link::~link() {
  if (is_dirty_) {
    auto& dirty = context_.dirty;
    dirty.erase(std::find(dirty.begin(), dirty.end(), this));
  }
}

bool link::send(const mqtt::packet& packet) {
  mqtt::buffer bytes;
  mqtt::encode(packet, protocol, bytes);
  // Answers do not wait in a queue: a client that asks and does not read is given up.
  if (bytes.size() > largest_packet || backlog() > context_.options.longest_backlog)
    return false;
  auto& out = begin_packet(bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
  return true;
}

mqtt::buffer& link::begin_packet(size_t size) {
  make_room(size);
  return out_.own();
}

void link::send_shared(const pipeactor::payload& packet) {
  make_room(packet.size());
  out_.add(packet);
}

void link::make_room(size_t size) {
  if (!out_.empty() && out_.size() + size > context_.options.largest_write)
    finish_write();
  mark_dirty();
}

void link::mark_dirty() {
  if (!is_dirty_)
    context_.dirty.push_back(this);
  is_dirty_ = true;
}

void link::finish_write() {
  if (out_.empty())
    return;
  ready_.push_back(out_.take());
  writes_.push_back(ready_.back().size());
  written_bytes_ += ready_.back().size();
}

void link::close(farewell how) {
  is_closing_ = true;
  closing_ = how;
  silence.clear();
  mark_dirty();
}

void link::take_back() {
  finish_write();
  for (; !ready_.empty(); ready_.pop_back()) {
    written_bytes_ -= writes_.back();
    writes_.pop_back();
  }
  promises_ = false;
}

void link::release() {
  is_dirty_ = false;
  promises_ = false;
  finish_write();
  has_written_ |= !ready_.empty();
  for (auto& packets : std::exchange(ready_, {}))
    context_.output.write(id_, std::move(packets));
  if (auto how = std::exchange(closing_, std::nullopt))
    context_.output.close(id_, *how);
}

void link::written() {
  if (writes_.empty())
    return;
  written_bytes_ -= writes_.front();
  writes_.pop_front();
}

} // namespace pipehub
