#pragma once

#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

namespace pipeactor::detail {

/// Waits for memory of a context.
class memory_waiter : public caf::ref_counted {
public:
  /// Memory was released. Any thread.
  virtual void memory_released() noexcept = 0;
};

/// Counts the bytes that the queues of all connections of a context hold together
/// (`context_options::memory_limit`). Any thread.
class memory_account final : public caf::ref_counted {
public:
  /// Queues are counted in steps of this many bytes, so that small traffic touches
  /// nothing that threads share.
  static constexpr size_t step = 4096;

  explicit memory_account(size_t limit) noexcept : limit_(limit) {}

  /// A queue that held `before` bytes holds `after` now, whatever the limit is: what was received
  /// is there.
  void moved(size_t before, size_t after) noexcept {
    // Falling is adding, too: unsigned numbers wrap.
    if (auto steps = after / step - before / step; steps != 0)
      add(steps, after < before);
  }

  /// A queue that holds `before` bytes is to hold `after`, which is more.
  /// @returns false, and counts nothing, if that would exceed the limit
  bool grow(size_t before, size_t after) noexcept {
    auto steps = after / step - before / step;
    return steps == 0 || reserve(steps);
  }

  size_t bytes() const noexcept {
    return steps_.load(std::memory_order_relaxed) * step;
  }

  size_t limit() const noexcept {
    return limit_;
  }

  bool exhausted() const noexcept {
    return steps_.load() * step >= limit_;
  }

  /// Calls `memory_released` of `who` once, when memory is free again.
  /// @returns false if it is free already; the call may come nevertheless
  bool wait(caf::intrusive_ptr<memory_waiter> who);

private:
  void add(size_t steps, bool falls) noexcept;
  bool reserve(size_t steps) noexcept;
  void wake() noexcept;

  size_t limit_;
  std::atomic<size_t> steps_{0};
  std::atomic<bool> has_waiters_{false};
  std::mutex mutex_;
  std::vector<caf::intrusive_ptr<memory_waiter>> waiters_;
};

using memory_account_ptr = caf::intrusive_ptr<memory_account>;

} // namespace pipeactor::detail
