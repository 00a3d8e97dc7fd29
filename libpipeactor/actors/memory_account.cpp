#include "actors/memory_account.hpp"

#include <utility>

namespace pipeactor::detail {

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
