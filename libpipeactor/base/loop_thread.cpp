#include "base/loop_thread.hpp"

namespace pipeactor::detail {

namespace {

// Turns may be nested: a program that runs them itself can do so inside a handler.
thread_local unsigned marks = 0;

} // namespace

loop_thread_mark::loop_thread_mark() noexcept {
  ++marks;
}

loop_thread_mark::~loop_thread_mark() {
  --marks;
}

bool is_loop_thread() noexcept {
  return marks > 0;
}

} // namespace pipeactor::detail
