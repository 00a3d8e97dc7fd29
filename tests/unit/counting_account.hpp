#pragma once

#include "pipeactor/payload.hpp"

#include <atomic>

namespace test {

/// Counts received payloads and their bytes until they are released.
struct counting_account final : pipeactor::detail::payload_account {
  void payload_received(size_t size) noexcept override {
    ++payloads;
    bytes += size;
  }

  void payload_released(size_t size) noexcept override {
    --payloads;
    bytes -= size;
    ++releases;
  }

  std::atomic<int> payloads{0};
  std::atomic<size_t> bytes{0};
  std::atomic<size_t> releases{0};
};

} // namespace test
