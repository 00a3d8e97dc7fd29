#pragma once

// Allocations that fail on request. This program replaces the global operator new.

namespace sweep {

/// The number of allocations that were made and not freed yet, of all threads.
long living_allocations() noexcept;

/// Makes the `number`th allocation fail (from 1) that happens inside a failing_scope; 0:
/// none. Counting begins anew.
void fail_allocation(long number) noexcept;

/// Returns how many allocations happened inside a failing_scope since fail_allocation().
long counted_allocations() noexcept;

} // namespace sweep
