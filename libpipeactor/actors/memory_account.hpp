#pragma once

#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>

#include <atomic>
#include <cstddef>

namespace pipeactor::detail {

/// Counts what the queues of all connections of a context hold together
/// (`context_options::memory_limit`). Any thread.
class memory_account final : public caf::ref_counted {
public:
  /// Queues are counted in steps of this many bytes, so that small traffic touches
  /// nothing that threads share.
  static constexpr size_t step = 4096;

  explicit memory_account(size_t limit) noexcept : limit_(limit) {}

  /// A queue that held `before` bytes holds `after` now.
  void moved(size_t before, size_t after) noexcept {
    // Falling is adding, too: unsigned numbers wrap.
    if (auto steps = after / step - before / step; steps != 0)
      steps_.fetch_add(steps, std::memory_order_relaxed);
  }

  size_t bytes() const noexcept {
    return steps_.load(std::memory_order_relaxed) * step;
  }

  size_t limit() const noexcept {
    return limit_;
  }

  bool exhausted() const noexcept {
    return bytes() >= limit_;
  }

private:
  size_t limit_;
  std::atomic<size_t> steps_{0};
};

using memory_account_ptr = caf::intrusive_ptr<memory_account>;

} // namespace pipeactor::detail
