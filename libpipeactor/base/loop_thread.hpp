#pragma once

namespace pipeactor::detail {

/// Marks the calling thread as one that runs a loop, as long as it lives: whoever waits for an
/// actor of that loop would wait for ever.
class loop_thread_mark {
public:
  loop_thread_mark() noexcept;
  ~loop_thread_mark();

  loop_thread_mark(const loop_thread_mark&) = delete;
  loop_thread_mark& operator=(const loop_thread_mark&) = delete;
};

/// Returns whether the calling thread runs a loop.
bool is_loop_thread() noexcept;

} // namespace pipeactor::detail
