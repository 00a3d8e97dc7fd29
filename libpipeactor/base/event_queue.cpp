#include "base/event_queue.hpp"

#include "base/log.hpp"

#include <utility>

namespace pipeactor::detail {

namespace {

/// Clears a flag, with the lock held, however the scope is left.
struct entrance {
  std::unique_lock<std::mutex>& guard;
  bool& entered;

  ~entrance() {
    if (!guard.owns_lock())
      guard.lock();
    entered = false;
  }
};

} // namespace

void event_queue::push(handlers* whose, letter content) {
  std::lock_guard guard{mutex_};
  if (closed_)
    return;
  events_.push_back({whose, std::move(content)});
  changed_.notify_one();
}

event_queue::handlers* event_queue::keep(handlers value) {
  std::lock_guard guard{mutex_};
  handlers_.push_back(std::make_unique<handlers>(std::move(value)));
  return handlers_.back().get();
}

loop_end event_queue::run(std::optional<clock::time_point> deadline) {
  std::unique_lock guard{mutex_};
  if (entered_) {
    guard.unlock();
    log_warning("enter_message_loop: another thread, or the caller of this callback, is in the "
                "loop already: enter it once");
    return loop_end::already_entered;
  }
  entered_ = true;
  entrance scope{guard, entered_};
  for (auto waiting = events_.size();; waiting -= waiting > 0) {
    if (std::exchange(left_, false))
      return loop_end::left;
    if (waiting == 0 && deadline && clock::now() >= *deadline)
      return loop_end::timed_out;
    if (!events_.empty())
      handle_next(guard);
    else if (deadline)
      changed_.wait_until(guard, *deadline);
    else
      changed_.wait(guard);
  }
}

void event_queue::handle_next(std::unique_lock<std::mutex>& guard) {
  auto next = std::move(events_.front());
  events_.pop_front();
  guard.unlock();
  handle(*next.whose, next.content);
  // Objects that the event holds may call back here as they are destroyed.
  next.content = nullptr;
  guard.lock();
}

void event_queue::leave() {
  std::lock_guard guard{mutex_};
  left_ = true;
  changed_.notify_one();
}

void event_queue::close() {
  // Destroyed after the lock is released, in this order.
  std::deque<event> events;
  std::vector<std::unique_ptr<handlers>> kept;
  std::lock_guard guard{mutex_};
  closed_ = true;
  std::swap(events, events_);
  std::swap(kept, handlers_);
}

} // namespace pipeactor::detail
