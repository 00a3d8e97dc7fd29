#include "pipeactor/message_loop.hpp"

#include "base/ask.hpp"
#include "base/log.hpp"

#include <caf/actor_companion.hpp>
#include <caf/message_handler.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace pipeactor {

namespace {

using clock = std::chrono::steady_clock;

/// The handlers of one server or client manager.
using handlers = caf::message_handler;

/// A longer time-out than this means none: it would not fit the clock.
constexpr auto longest_timeout = std::chrono::hours{24 * 365};

/// Returns `callback` as a handler, which ignores its event where there is none.
template <class Event>
auto handler(std::function<void(const Event&)>& callback) {
  return [callback = std::move(callback)](const Event& event) {
    if (callback)
      callback(event);
  };
}

/// What waits for the thread in the loop. Shared with the actors that put it there, which may
/// live longer than the loop.
class event_queue {
public:
  /// Any thread.
  void push(handlers* whose, caf::mailbox_element_ptr element) {
    std::lock_guard guard{mutex_};
    if (closed_)
      return;
    events_.push_back({whose, std::move(element)});
    changed_.notify_one();
  }

  /// Keeps the handlers of a server or client manager until the end. Any thread.
  handlers* keep(handlers value) {
    std::lock_guard guard{mutex_};
    handlers_.push_back(std::make_unique<handlers>(std::move(value)));
    return handlers_.back().get();
  }

  /// Runs the handlers of events until `leave` is called or the deadline has passed.
  loop_end run(std::optional<clock::time_point> deadline) {
    std::unique_lock guard{mutex_};
    if (entered_) {
      guard.unlock();
      detail::log_warning("enter_message_loop: the loop is entered already, by another thread or "
                          "by the caller of this callback");
      return loop_end::already_entered;
    }
    entered_ = true;
    scope entered{*this, guard};
    for (auto waiting = events_.size();; waiting -= waiting > 0) {
      if (std::exchange(left_, false))
        return loop_end::left;
      if (waiting == 0 && deadline && clock::now() >= *deadline)
        return loop_end::timed_out;
      if (!events_.empty()) {
        auto next = std::move(events_.front());
        events_.pop_front();
        guard.unlock();
        (*next.whose)(next.element->content());
        next.element = nullptr;
        guard.lock();
      } else if (deadline) {
        changed_.wait_until(guard, *deadline);
      } else {
        changed_.wait(guard);
      }
    }
  }

  /// Any thread.
  void leave() {
    std::lock_guard guard{mutex_};
    left_ = true;
    changed_.notify_one();
  }

  /// Drops events and handlers, with the connections that they hold, for good.
  void close() {
    std::deque<event> events;
    std::vector<std::unique_ptr<handlers>> kept;
    std::lock_guard guard{mutex_};
    closed_ = true;
    std::swap(events, events_);
    std::swap(kept, handlers_);
  }

private:
  struct event {
    handlers* whose;
    caf::mailbox_element_ptr element;
  };

  /// Marks the loop as left, also where a callback throws.
  struct scope {
    event_queue& queue;
    std::unique_lock<std::mutex>& guard;

    ~scope() {
      if (!guard.owns_lock())
        guard.lock();
      queue.entered_ = false;
    }
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<event> events_;
  std::vector<std::unique_ptr<handlers>> handlers_;
  bool entered_ = false;
  bool left_ = false;
  bool closed_ = false;
};

} // namespace

std::string to_string(loop_end end) {
  switch (end) {
  case loop_end::left:
    return "left";
  case loop_end::timed_out:
    return "timed_out";
  case loop_end::already_entered:
    return "already_entered";
  }
  return "unknown";
}

struct message_loop::impl {
  /// Of a loop with an actor system of its own.
  struct home {
    explicit home(context_options options) : context(system, std::move(options)) {}

    struct quiet_config : caf::actor_system_config {
      quiet_config() {
        let_scheduler_sleep(*this);
      }
    };

    quiet_config config;
    caf::actor_system system{config};
    pipeactor::context context;
  };

  explicit impl(context_options options)
      : own(std::make_unique<home>(std::move(options))), context(own->context) {}

  explicit impl(pipeactor::context& context) : context(context) {}

  ~impl() {
    // Also where the context is our own: it must not end while callbacks hold connections.
    for (auto& coordinator : coordinators)
      if (auto err = detail::ask(coordinator, defaults::request_timeout, stop{}, [] {}))
        detail::log_warning("a message loop ends before its pipes: " + describe(err));
    queue->close();
  }

  /// Returns an actor that puts what it is sent in the queue.
  caf::actor spawn_handler(handlers value) {
    auto actor = context.system().spawn<caf::actor_companion, caf::hidden>();
    auto* companion = caf::actor_cast<caf::actor_companion*>(actor);
    companion->on_enqueue(
      [queue = queue, whose = queue->keep(std::move(value))](caf::mailbox_element_ptr element) {
        queue->push(whose, std::move(element));
      });
    return actor;
  }

  void keep(const caf::actor& coordinator) {
    std::lock_guard guard{mutex};
    coordinators.push_back(coordinator);
  }

  // First, so that it ends last.
  std::unique_ptr<home> own;
  pipeactor::context& context;
  std::shared_ptr<event_queue> queue = std::make_shared<event_queue>();
  std::mutex mutex;
  std::vector<caf::actor> coordinators;
};

message_loop::message_loop(context_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {}

message_loop::message_loop(pipeactor::context& context) : impl_(std::make_unique<impl>(context)) {}

message_loop::~message_loop() = default;

pipeactor::context& message_loop::context() const noexcept {
  return impl_->context;
}

#define PIPEACTOR_HANDLER(event) handler(callbacks.event),

named_pipe_server message_loop::spawn_server(server_options options, server_callbacks callbacks) {
  auto actor = impl_->spawn_handler({PIPEACTOR_SERVER_EVENTS(PIPEACTOR_HANDLER)});
  auto result = context().spawn_server(std::move(options), std::move(actor));
  impl_->keep(result.actor());
  return result;
}

named_pipe_client_manager message_loop::spawn_client_manager(client_options options,
                                                             client_callbacks callbacks) {
  auto actor = impl_->spawn_handler({PIPEACTOR_CLIENT_EVENTS(PIPEACTOR_HANDLER)});
  auto result = context().spawn_client_manager(std::move(options), std::move(actor));
  impl_->keep(result.actor());
  return result;
}

#undef PIPEACTOR_HANDLER

loop_end message_loop::enter_message_loop() {
  return impl_->queue->run(std::nullopt);
}

loop_end message_loop::enter_message_loop(std::chrono::milliseconds timeout) {
  timeout = std::min<std::chrono::milliseconds>(timeout, longest_timeout);
  return impl_->queue->run(clock::now() + timeout);
}

void message_loop::leave_message_loop() {
  impl_->queue->leave();
}

} // namespace pipeactor
