#pragma once

// A process that has no handle left can accept again as soon as one is closed, anywhere in it.
// Ports tell each other.

#include "pipeactor/export.hpp"

#include <cstdint>
#include <functional>

namespace pipeactor::port {

/// Returns how many handles of pipes and listeners this process has closed. Any thread.
uint64_t closed_handles() noexcept;

/// Counts one more, and calls those who wait for it. Any thread.
void handle_was_closed() noexcept;

/// Waits for the next closed handle.
class closed_handle_watch {
public:
  /// @param call called on any thread, each time that a handle is closed
  explicit closed_handle_watch(std::function<void()> call);

  /// From here on nothing is called.
  ~closed_handle_watch();

  closed_handle_watch(const closed_handle_watch&) = delete;
  closed_handle_watch& operator=(const closed_handle_watch&) = delete;

private:
  friend void handle_was_closed() noexcept;

  std::function<void()> call_;
};

} // namespace pipeactor::port
