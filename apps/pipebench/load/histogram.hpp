#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace pipebench {

/// Counts times in buckets that are at most 1/32 of their value wide, from 1 ns to hours.
class histogram {
public:
  void add(uint64_t nanoseconds) noexcept {
    ++counts_[bucket_of(nanoseconds)];
    ++total_;
  }

  uint64_t total() const noexcept {
    return total_;
  }

  /// Returns the time in microseconds that a share `q` (0 to 1) of all times does not exceed.
  double quantile_us(double q) const noexcept {
    auto wanted = static_cast<double>(total_) * q;
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted)
        return upper_end_of(i) / 1e3;
    }
    return 0;
  }

private:
  static constexpr int fine_bits = 5;
  static constexpr size_t fine = size_t{1} << fine_bits;

  static size_t bucket_of(uint64_t value) noexcept {
    if (value < fine)
      return value;
    auto power = 63 - __builtin_clzll(value);
    return (static_cast<size_t>(power - fine_bits + 1) << fine_bits)
           + ((value >> (power - fine_bits)) & (fine - 1));
  }

  static double upper_end_of(size_t bucket) noexcept {
    if (bucket < fine)
      return static_cast<double>(bucket);
    auto shift = (bucket >> fine_bits) - 1;
    return static_cast<double>(((bucket & (fine - 1)) + fine + 1) << shift);
  }

  std::array<uint64_t, 64 * fine> counts_{};
  uint64_t total_ = 0;
};

} // namespace pipebench
