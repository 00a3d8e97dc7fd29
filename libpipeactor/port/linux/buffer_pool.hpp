#pragma once

#include "pipeactor/payload.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pipeactor::port {

/// Receive buffers of one size, as long as the longest message, in virtual memory: a page costs
/// memory only once it was written. Free buffers are reused last in, first out, so that few pages
/// stay hot. Used by the thread that made it; payloads that came from it may be released on any
/// thread, even after the pool is gone.
class buffer_pool {
public:
  static constexpr uint32_t none = UINT32_MAX;

  /// Makes a pool of up to `defaults::receive_buffers` buffers of at least `size` bytes.
  /// @throws std::bad_alloc if not even a few buffers can be mapped
  explicit buffer_pool(size_t size);
  ~buffer_pool();

  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  /// Returns the size of a buffer in bytes.
  size_t buffer_size() const noexcept;

  /// Returns the number of buffers.
  uint32_t capacity() const noexcept;

  /// Takes a buffer.
  /// @returns its index, or `none`
  uint32_t acquire() noexcept;

  /// Gives back a buffer that no payload was made of.
  void release(uint32_t index) noexcept;

  std::byte* data(uint32_t index) const noexcept;

  /// Makes a payload of the first `size` bytes of a buffer, charged to `account`, and takes the
  /// buffer over. If payloads keep many of the buffers already, the bytes are copied to a block of
  /// their own and the buffer is free again at once, so that payloads that are kept do not starve
  /// other connections: short messages may take half of the buffers, all together three quarters.
  payload make_payload(uint32_t index, size_t size, detail::payload_account* account);

private:
  struct shared;

  void take_back(uint32_t index) noexcept;
  void take_back_all(uint32_t first) noexcept;

  shared* shared_;
  std::vector<uint32_t> free_;
  /// Buffers that payloads lie in, also those that wait to be taken back.
  uint32_t kept_ = 0;
  /// Bytes of each buffer that were written since its pages were given back; their sum.
  std::vector<size_t> written_;
  size_t resident_ = 0;
};

} // namespace pipeactor::port
