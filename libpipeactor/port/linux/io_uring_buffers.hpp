#pragma once

#include "pipeactor/payload.hpp"
#include "port/linux/buffer_pool.hpp"
#include "port/linux/io_uring_ring.hpp"

#include <algorithm>
#include <memory>

namespace pipeactor::port {

/// A ring of provided buffers: the kernel takes one for each message that it receives.
/// Few are provided at a time, so that few pages stay hot: the number doubles when they run out,
/// and is the smaller the longer the messages are.
class io_uring_buffers {
public:
  /// @param group number of the ring, one for each receive limit
  static caf::expected<std::unique_ptr<io_uring_buffers>> make(io_uring_ring& ring, uint16_t group,
                                                               size_t buffer_size);
  ~io_uring_buffers();

  uint16_t group() const noexcept {
    return group_;
  }

  /// Returns how many buffers the kernel may fill.
  uint32_t provided() const noexcept {
    return provided_;
  }

  /// Makes a payload of a buffer that the kernel filled.
  payload take(uint16_t index, size_t size, detail::payload_account* account) {
    --provided_;
    longest_ = std::max(longest_, size);
    return pool_.make_payload(index, size, account);
  }

  /// Gives back a buffer that the kernel took for nothing.
  void put_back(uint16_t index) noexcept {
    --provided_;
    pool_.release(index);
  }

  /// Provides buffers up to the number that is kept ready.
  void refill() noexcept;

  /// The kernel ran out of buffers: keeps more ready from now on.
  void grow() noexcept;

private:
  uint32_t most_wanted() const noexcept;

  io_uring_buffers(io_uring_ring& ring, uint16_t group, size_t buffer_size);

  io_uring_ring& ring_;
  uint16_t group_;
  buffer_pool pool_;
  io_uring_buf_ring* entries_ = nullptr;
  size_t entries_size_ = 0;
  uint32_t provided_ = 0;
  uint32_t wanted_;
  /// The longest message of late.
  size_t longest_ = 0;
};

} // namespace pipeactor::port
