#pragma once

#include "pipeactor/messages.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/session.hpp"
#include "actors/bridge_connections.hpp"
#include "actors/internal_messages.hpp"

#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pipeactor::detail {

/// Makes outgoing connections, and closes them at `stop`. Keeps no connection alive.
class client_manager_actor final : public pinned_actor {
public:
  /// @param bridges at least one; the first is the one this actor is pinned to
  client_manager_actor(caf::actor_config& cfg, std::vector<bridge_connections_ptr> bridges,
                       client_options options, caf::actor handler,
                       session_factory_ptr make_session);

  const char* name() const override;
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  /// A request that waits until the trusted servers are looked up.
  struct pending_connect {
    connect request;
    caf::response_promise promise;
  };

  /// A request to stop, which is answered when its connections are closed.
  struct stop_request {
    std::unordered_set<uint64_t> connections;
    caf::response_promise promise;
  };

  caf::error check_options();
  void make_settings(port::resolved_access trusted);
  caf::response_promise on_connect(const connect& request);
  /// Makes the connections that were asked for, or says why there are none.
  void answer_connects(const caf::error& failure);
  named_pipe_connection open(const connect& request);
  caf::result<std::vector<std::string>> on_find(const find_named_pipes& request);
  caf::response_promise on_stop();
  void on_connection_closed(const connection_closed& x);

  std::vector<bridge_connections_ptr> bridges_;
  client_options options_;
  caf::actor handler_;
  session_factory_ptr make_session_;
  uint64_t id_;
  connection_settings_ptr settings_;
  std::unordered_map<uint64_t, caf::weak_actor_ptr> connections_;
  std::vector<pending_connect> connects_;
  std::vector<stop_request> stoppers_;
};

} // namespace pipeactor::detail
