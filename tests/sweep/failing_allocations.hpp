#pragma once

// Allocations that fail on request. This program replaces the global operator new.

#include <utility>

namespace sweep {

/// The number of allocations that were made and not freed yet, of all threads.
long living_allocations() noexcept;

/// Makes the `number`th allocation fail (from 1) that happens inside `failing()` on this thread; 0:
/// none. Counting begins anew.
void fail_allocation(long number) noexcept;

/// Returns how many allocations happened inside `failing()` since fail_allocation().
long counted_allocations() noexcept;

/// While one lives, allocations of this thread are counted and may fail.
class failing_scope {
public:
  failing_scope() noexcept;
  ~failing_scope();

  failing_scope(const failing_scope&) = delete;
  failing_scope& operator=(const failing_scope&) = delete;
};

/// Calls `f` so that its allocations are counted and may fail.
template <class F>
decltype(auto) failing(F&& f) {
  failing_scope scope;
  return std::forward<F>(f)();
}

} // namespace sweep
