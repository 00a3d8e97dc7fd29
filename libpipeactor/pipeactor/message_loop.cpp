#include "pipeactor/message_loop.hpp"

#include "base/ask.hpp"
#include "base/event_queue.hpp"
#include "base/letters.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace pipeactor {

namespace {

using clock = detail::event_queue::clock;

/// A longer timeout than this means none: it would not fit the clock.
constexpr auto longest_timeout = std::chrono::hours{24 * 365};

/// Returns `callback` as a handler that ignores its event if the callback is empty.
template <class Event>
auto handler(std::function<void(const Event&)>& callback) {
  return [callback = std::move(callback)](const Event& event) {
    if (callback)
      callback(event);
  };
}

} // namespace

struct message_loop::impl {
  /// The actor system of a loop that has its own.
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
    // Even if the context is our own: it must not end while callbacks hold connections.
    for (auto& kept : coordinators) {
      auto coordinator = caf::actor_cast<caf::actor>(kept);
      if (!coordinator)
        continue;
      if (auto err = detail::ask(coordinator, defaults::request_timeout, stop{}, [] {}))
        detail::log_warning("a message loop ends before its pipes: " + describe(err));
    }
    queue->close();
  }

  /// Returns an actor that puts its messages into the queue, for these handlers.
  caf::actor spawn_handler(caf::message_handler value) {
    auto* whose = queue->keep(std::move(value));
    return detail::spawn_letter_box(context.system(), [queue = queue, whose](detail::letter x) {
      queue->push(whose, std::move(x));
    });
  }

  void keep(const caf::actor& coordinator) {
    std::lock_guard guard{mutex};
    coordinators.push_back(caf::actor_cast<caf::weak_actor_ptr>(coordinator));
  }

  // First, so that it ends last.
  std::unique_ptr<home> own;
  pipeactor::context& context;
  std::shared_ptr<detail::event_queue> queue = std::make_shared<detail::event_queue>();
  std::mutex mutex;
  // Weak, as those of the context.
  std::vector<caf::weak_actor_ptr> coordinators;
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
  timeout = std::clamp<std::chrono::milliseconds>(timeout, std::chrono::milliseconds{0},
                                                  longest_timeout);
  return impl_->queue->run(clock::now() + timeout);
}

void message_loop::leave_message_loop() {
  impl_->queue->leave();
}

} // namespace pipeactor
