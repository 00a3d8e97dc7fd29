#pragma once

// A process that has no handle left can accept again as soon as one is closed anywhere in it. Ports
// notify each other here.

#include "pipeactor/export.hpp"

#include <cstdint>
#include <functional>

namespace pipeactor::port {

/// Returns how many handles of pipes and listeners this process has closed. Any thread.
uint64_t closed_handles() noexcept;

/// Counts one more, and calls the functions of all watches. Any thread.
void handle_was_closed() noexcept;

/// Calls a function for each handle that is closed, while it watches. Belongs to one thread.
class closed_handle_watch {
public:
  /// @param call the function, which is called on any thread
  explicit closed_handle_watch(std::function<void()> call);
  ~closed_handle_watch();

  closed_handle_watch(const closed_handle_watch&) = delete;
  closed_handle_watch& operator=(const closed_handle_watch&) = delete;

  /// Begins to watch, or ends it: the function is not called from then on.
  /// @returns whether it began now
  bool watch(bool on);

private:
  friend void handle_was_closed() noexcept;

  std::function<void()> call_;
  bool watching_ = false;
};

} // namespace pipeactor::port
