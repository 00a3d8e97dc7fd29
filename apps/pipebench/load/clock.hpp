#pragma once

#include <cstdint>
#include <ctime>

namespace pipebench {

/// Returns nanoseconds of the monotonic clock, clock_gettime(2).
inline uint64_t now_ns() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

} // namespace pipebench
