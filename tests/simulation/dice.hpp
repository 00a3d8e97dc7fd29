#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace simulation {

/// What a seed decides. The same on every system, unlike the standard library's distributions.
class dice {
public:
  explicit dice(uint64_t seed) : random_(seed) {}

  size_t below(size_t count) {
    return static_cast<size_t>(random_() % count);
  }

  bool one_in(size_t count) {
    return below(count) == 0;
  }

  /// Returns one of the values.
  template <class T, size_t Size>
  T of(const T (&values)[Size]) {
    return values[below(Size)];
  }

private:
  std::mt19937_64 random_;
};

} // namespace simulation
