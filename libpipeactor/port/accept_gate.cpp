#include "port/accept_gate.hpp"

#include <atomic>
#include <cassert>
#include <mutex>

namespace pipeactor::port {

struct accept_gate::state {
  std::atomic<size_t> inside{0};
  /// Guards `opened`, and keeps the object alive that it calls.
  std::mutex mutex;
  std::function<void()> opened;
};

accept_gate::ticket::~ticket() {
  if (state_ == nullptr)
    return;
  // Nobody waits for a gate that was not full.
  if (state_->inside.fetch_sub(1) != defaults::accepted_at_once)
    return;
  std::lock_guard guard{state_->mutex};
  if (state_->opened)
    state_->opened();
}

accept_gate::accept_gate() : state_(std::make_shared<state>()) {}

accept_gate::~accept_gate() {
  if (state_ == nullptr)
    return; // moved away
  std::lock_guard guard{state_->mutex};
  state_->opened = nullptr;
}

void accept_gate::on_open(std::function<void()> call) {
  state_->opened = std::move(call);
}

bool accept_gate::is_open() const noexcept {
  return state_->inside.load() < defaults::accepted_at_once;
}

accept_gate::ticket accept_gate::admit() {
  assert(is_open());
  state_->inside.fetch_add(1);
  return ticket{state_};
}

} // namespace pipeactor::port
