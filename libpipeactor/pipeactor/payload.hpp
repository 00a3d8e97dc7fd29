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

/// Keeps count of the received bytes of a connection that are not released yet (see
/// `connection_options::read_queue_bytes`). Every call of payload_received() is followed by one of
/// payload_released(); the account lives until then.
class PIPEACTOR_EXPORT payload_account {
public:
  /// A payload of `size` bytes was made. Bridge thread.
  virtual void payload_received(size_t size) noexcept = 0;

  /// It lost its last reference. Any thread.
  virtual void payload_released(size_t size) noexcept = 0;

protected:
  ~payload_account() = default;
};

/// The reference count beside the bytes of a payload.
struct payload_block {
  std::atomic<size_t> references{1};
  const std::byte* data = nullptr;
  size_t size = 0;
  payload_account* account = nullptr;
  /// Returns block and bytes to where they came from. Any thread.
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
    // Who holds the only one knows that nobody else can take another: no need to count.
    return references.load(std::memory_order_acquire) == 1
           || references.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
};

/// Returns a block with room for `size` bytes behind it.
PIPEACTOR_EXPORT payload_block* allocate_payload_block(size_t size, std::byte*& bytes);

/// The last reference is gone: settles the account and disposes.
PIPEACTOR_EXPORT void destroy_payload_block(payload_block* block) noexcept;

/// Returns a block with a copy of received bytes, charged to `account` (which may be nullptr).
PIPEACTOR_EXPORT payload_block* copy_received(const void* data, size_t size,
                                              payload_account* account);

} // namespace detail

/// Immutable bytes with a reference count: may be kept past the handler that
/// received them, shared by any number of writes and sent to other actors, without
/// a copy. Copying a payload from any thread is safe.
///
/// A payload received from a pipe counts towards its connection's read queue until
/// the last copy is gone (`server_options::read_queue_bytes`): to keep the bytes
/// for long, keep `payload::copy_of(data)` instead.
class PIPEACTOR_EXPORT payload {
public:
  payload() noexcept = default;

  /// Takes over a block with its reference.
  explicit payload(detail::payload_block* block) noexcept : block_(block) {}

  /// Copies the characters.
  explicit payload(std::string_view text) : payload(copy_of(text.data(), text.size())) {}

  /// Takes over the bytes without a copy.
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

  /// Returns a payload with a copy of the bytes of `other`, free of any account.
  static payload copy_of(const payload& other) {
    return copy_of(other.data(), other.size());
  }

  /// Returns the first byte; not to be read where the payload is empty.
  const std::byte* data() const noexcept {
    return block_ != nullptr ? block_->data : nullptr;
  }

  size_t size() const noexcept {
    return block_ != nullptr ? block_->size : 0;
  }

  bool empty() const noexcept {
    return size() == 0;
  }

  /// Returns a view of the bytes as characters, valid as long as the payload.
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
