#pragma once

#include "codec/types.hpp"

#include <pipeactor/payload.hpp>

#include <string_view>

namespace pipehub {

/// Collects whole packets for one write. A single packet that several clients get is not copied.
class outbox {
public:
  size_t size() const noexcept {
    return shared_.size() + bytes_.size();
  }

  bool empty() const noexcept {
    return size() == 0;
  }

  /// Adds a packet that others get, too.
  void add(const pipeactor::payload& packet) {
    if (empty()) {
      shared_ = packet;
      return;
    }
    auto* data = packet.data();
    own().insert(bytes_.end(), data, data + packet.size());
  }

  /// Returns the bytes, to append packets to.
  mqtt::buffer& own() {
    if (!shared_.empty()) {
      bytes_.assign(shared_.data(), shared_.data() + shared_.size());
      shared_ = {};
    }
    return bytes_;
  }

  /// Empties it.
  pipeactor::payload take() {
    if (!shared_.empty())
      return std::exchange(shared_, {});
    return pipeactor::payload{std::exchange(bytes_, {})};
  }

private:
  pipeactor::payload shared_;
  mqtt::buffer bytes_;
};

} // namespace pipehub
