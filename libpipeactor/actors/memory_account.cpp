#include "actors/memory_account.hpp"

#include <utility>

namespace pipeactor::detail {

void memory_account::add(size_t steps, bool falls) noexcept {
  steps_.fetch_add(steps);
  if (falls && has_waiters_.load())
    wake();
}

bool memory_account::reserve(size_t steps) noexcept {
  if ((steps_.fetch_add(steps) + steps) * step <= limit_)
    return true;
  add(0 - steps, true);
  return false;
}

bool memory_account::wait(caf::intrusive_ptr<memory_waiter> who) {
  {
    std::lock_guard guard{mutex_};
    waiters_.push_back(std::move(who));
    has_waiters_.store(true);
  }
  // Others may have released everything before they could see the flag.
  return exhausted();
}

void memory_account::wake() noexcept {
  if (exhausted())
    return;
  std::vector<caf::intrusive_ptr<memory_waiter>> woken;
  {
    std::lock_guard guard{mutex_};
    woken.swap(waiters_);
    has_waiters_.store(false);
  }
  for (auto& waiter : woken)
    waiter->memory_released();
}

} // namespace pipeactor::detail
