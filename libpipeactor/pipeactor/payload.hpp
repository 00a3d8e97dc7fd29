#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/type_ids.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pipeactor {

namespace detail {

/// Counts the received bytes of a connection that are not released yet (see
/// `connection_options::read_queue_bytes`). Each call of `payload_received` is followed by one of
/// `payload_released`, and the account lives until then.
class PIPEACTOR_EXPORT payload_account {
public:
  /// A payload of `size` bytes was made. Bridge thread.
  virtual void payload_received(size_t size) noexcept = 0;

  /// A payload of `size` bytes lost its last reference. Any thread.
  virtual void payload_released(size_t size) noexcept = 0;

protected:
  ~payload_account() = default;
};

/// The reference count and the bytes of a payload.
struct payload_block {
  std::atomic<size_t> references{1};
  const std::byte* data = nullptr;
  size_t size = 0;
  payload_account* account = nullptr;
  /// Gives block and bytes back to the place they came from. Any thread.
  void (*dispose)(payload_block*) noexcept = nullptr;

  /// Makes the bytes count as received, until the block is disposed of.
  /// @param to may be nullptr
  void charge(payload_account* to) noexcept {
    account = to;
    if (to != nullptr)
      to->payload_received(size);
  }

  /// Gives up a reference.
  /// @returns whether it was the last
  bool release() noexcept {
    // A sole owner need not decrement: no other thread can hold a reference.
    return references.load(std::memory_order_acquire) == 1
           || references.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
};

/// Returns a block, and sets `bytes` to the room for `size` bytes behind it.
PIPEACTOR_EXPORT payload_block* allocate_payload_block(size_t size, std::byte*& bytes);

/// Disposes of a block whose last reference is gone, and settles its account.
PIPEACTOR_EXPORT void destroy_payload_block(payload_block* block) noexcept;

/// Returns a block with a copy of received bytes, charged to `account`, which may be nullptr.
PIPEACTOR_EXPORT payload_block* copy_received(const void* data, size_t size,
                                              payload_account* account);

} // namespace detail

/// Immutable bytes with a reference count. Without a copy of the bytes, a payload may be kept after
/// the handler that received it has returned, written any number of times, and sent to other
/// actors. Any thread may copy and destroy payloads.
///
/// A payload that was received from a pipe counts towards its connection's read queue
/// (`connection_options::read_queue_bytes`) until its last copy is gone. To keep the bytes for
/// long, keep `payload::copy_of(data)` instead.
class PIPEACTOR_EXPORT payload {
public:
  payload() noexcept = default;

  /// Takes over a block with one reference.
  explicit payload(detail::payload_block* block) noexcept : block_(block) {}

  /// Copies `text`.
  explicit payload(std::string_view text) : payload(copy_of(text.data(), text.size())) {}

  /// Takes `bytes` over, without a copy.
  explicit payload(std::vector<std::byte> bytes);

  payload(const payload& other) noexcept : block_(other.block_) {
    if (block_ != nullptr)
      block_->references.fetch_add(1, std::memory_order_relaxed);
  }

  payload(payload&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

  payload& operator=(payload other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }

  ~payload() {
    if (block_ != nullptr && block_->release())
      detail::destroy_payload_block(block_);
  }

  /// Returns a payload with a copy of `size` bytes at `data`.
  static payload copy_of(const void* data, size_t size);

  /// Returns a payload with a copy of the bytes of `other`. It counts towards no read queue.
  static payload copy_of(const payload& other) {
    return copy_of(other.data(), other.size());
  }

  /// Returns a pointer to the first byte; not to be read if the payload is empty.
  const std::byte* data() const noexcept {
    return block_ != nullptr ? block_->data : nullptr;
  }

  size_t size() const noexcept {
    return block_ != nullptr ? block_->size : 0;
  }

  bool empty() const noexcept {
    return size() == 0;
  }

  /// Returns a view of the bytes as characters, which is valid as long as the payload.
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data()), size()};
  }

  friend bool operator==(const payload& lhs, const payload& rhs) noexcept {
    return lhs.block_ == rhs.block_ || lhs.text() == rhs.text();
  }

  friend bool operator!=(const payload& lhs, const payload& rhs) noexcept {
    return !(lhs == rhs);
  }

  template <class Inspector>
  friend detail::inspect_result_t<Inspector> inspect(Inspector& f, payload& x) {
    std::string bytes{x.text()};
    return detail::inspect_via(f, "pipeactor::payload", bytes,
                               [&x](const std::string& loaded) { x = payload{loaded}; });
  }

private:
  detail::payload_block* block_ = nullptr;
};

} // namespace pipeactor
