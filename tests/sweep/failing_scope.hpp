#pragma once

// Where things fail: the part of a scene that the library runs, not the clients and checks.

#include <utility>

namespace sweep {

/// While one lives, allocations and system calls of this thread are counted and may fail.
class failing_scope {
public:
  failing_scope() noexcept {
    active_ = true;
  }

  ~failing_scope() {
    active_ = false;
  }

  failing_scope(const failing_scope&) = delete;
  failing_scope& operator=(const failing_scope&) = delete;

  static bool is_active() noexcept {
    return active_;
  }

private:
  static inline thread_local bool active_ = false;
};

/// Calls `f` inside a failing_scope.
template <class F>
decltype(auto) failing(F&& f) {
  failing_scope scope;
  return std::forward<F>(f)();
}

} // namespace sweep
