#pragma once

#include <chrono>
#include <thread>

namespace test {

/// Longer than anything here takes that does not hang.
constexpr std::chrono::seconds patience{30};

/// Waits until `condition` holds.
/// @returns false if it does not within `patience`
template <class F>
bool eventually(F condition) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition())
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    else
      std::this_thread::yield();
  return true;
}

} // namespace test
