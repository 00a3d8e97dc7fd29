#pragma once

#include "pipeactor/messages.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/session.hpp"
#include "actors/bridge_connections.hpp"
#include "actors/internal_messages.hpp"

#include <deque>
#include <unordered_map>
#include <vector>

namespace pipeactor::detail {

/// Publishes one pipe name, hands accepted clients to bridges, broadcasts, stops. Lives
/// on its first bridge, whose port does the listening.
///
/// stopped -> start -> starting -> name published -> running -> stop -> stopping -> last connection
/// and listener closed -> stopped. Requests to start and stop are carried out one after the other,
/// in the order in which they came.
class server_actor final : public pinned_actor {
public:
  /// @param bridges at least one; the first is the one this actor is pinned to
  server_actor(caf::actor_config& cfg, std::vector<bridge_connections_ptr> bridges,
               server_options options, caf::actor handler, session_factory_ptr make_session);

  const char* name() const override;
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  enum class phase : uint8_t { stopped, starting, running, stopping };

  /// A `start` or `stop` that waits for those before it.
  struct request {
    enum kind : uint8_t { start, stop };

    kind what;
    caf::response_promise promise;
  };

  caf::response_promise on_request(request::kind what);
  caf::response_promise on_broadcast(const async_broadcast& request);
  void on_accepted(const client_accepted& client);
  void on_connection_opened(const connection_opened& x) noexcept;
  void on_connection_closed(const connection_closed& x) noexcept;
  void on_listener_closed(const listener_closed& x) noexcept;
  void on_broadcast_ended(const broadcast_ended& x) noexcept;

  /// Carries out what can be, up to the first stop that takes its time.
  void serve_requests();
  void on_start(caf::response_promise promise);
  void on_stop(caf::response_promise& promise);
  /// Publishes the name, now or when the system has freed it.
  void listen();
  void try_to_listen();
  /// Ends a start in which something was thrown.
  void abandon_start(std::exception_ptr thrown);
  void end_start(caf::error failure);
  void answer_starter(caf::error failure);
  /// Publishes the name.
  caf::error publish();
  /// Publishes the name again after the listener failed; tries several times, and then stops.
  void on_publish_again() noexcept;
  /// No attempt to listen again is left: raises `server_failed`, and stops.
  void fail(caf::error reason);
  /// The name is published: raises `server_ready`.
  void begin_running();
  void begin_stopping() noexcept;
  void finish_stopping();
  void answer_stoppers();

  std::vector<bridge_connections_ptr> bridges_;
  server_options options_;
  caf::actor handler_;
  session_factory_ptr make_session_;

  uint64_t id_;
  phase phase_ = phase::stopped;
  connection_settings_ptr settings_;
  port::listener_id listener_ = 0;
  bool listening_ = false;
  port::time_point published_at_;
  /// Listeners that failed, or could not be made, one after the other.
  int failed_listeners_ = 0;
  server_ready ready_;
  /// Clients that were handed to a bridge which has not reported their connections yet.
  size_t opening_ = 0;
  // The references that keep open connections alive.
  std::unordered_map<uint64_t, named_pipe_connection> connections_;
  std::unordered_map<uint64_t, caf::response_promise> broadcasts_;
  uint64_t last_broadcast_ = 0;
  std::deque<request> requests_;
  // Of the start that is being carried out, or was the last one.
  caf::response_promise starter_;
  port::time_point give_up_at_;
  port::resolved_access access_;
  std::vector<caf::response_promise> stoppers_;
};

} // namespace pipeactor::detail
