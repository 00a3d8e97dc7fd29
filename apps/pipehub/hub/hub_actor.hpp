#pragma once

#include "session/broker.hpp"
#include "state/state.hpp"

#include <pipeactor/all.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace pipehub {

/// Sent by the hub to itself: all events that were waiting are handled, now write.
struct flush_hub {};

/// Sent by the hub to itself: something is due.
struct tick_hub {};

/// Sent by the hub to itself: a client has had the time to read why its connection ends.
struct close_client {
  link_id which = 0;
};

/// Request to a hub: say good-bye to all clients. The answer, which is empty, comes when the last
/// connection is closed.
struct end_hub {};

/// What a hub tells the program that runs it.
struct hub_callbacks {
  /// Clients may connect to this address.
  std::function<void(const std::string& address)> ready;
  /// No client can connect any more.
  std::function<void(const caf::error& reason)> failed;
  /// The state file cannot be written for this reason, or can again (an empty text).
  std::function<void(const std::string& trouble)> state_changed;
};

/// The hub's actor: the handler of a pipe's server, and the one thread of the broker.
class hub_state final : private link_output {
public:
  explicit hub_state(caf::event_based_actor* self) : self_(self) {}

  caf::behavior make_behavior(const broker_options& options, opened_state& kept,
                              hub_callbacks callbacks);

private:
  void write(link_id to, pipeactor::payload packets) override;
  void close(link_id which, farewell how) override;

  void begin(const pipeactor::server_ready& ready);
  void take_client(const pipeactor::named_pipe_connection& connection);
  void lose_client(link_id id);
  caf::result<void> end();
  void flush();
  void plan();

  caf::event_based_actor* self_;
  broker_options options_;
  opened_state* kept_ = nullptr;
  hub_callbacks callbacks_;
  std::optional<broker> broker_;
  std::unordered_map<link_id, pipeactor::named_pipe_connection> connections_;
  bool flush_is_sent_ = false;
  bool is_failing_ = false;
  std::optional<time_point> tick_at_;
  std::optional<caf::response_promise> ending_;
};

/// Makes a hub. Spawn it with these arguments, and give it to a server as its handler.
/// @param kept its state, whose file may be missing; it must outlive the actor
caf::behavior hub_actor(caf::stateful_actor<std::unique_ptr<hub_state>>* self,
                        const broker_options& options, opened_state* kept,
                        const hub_callbacks& callbacks);

} // namespace pipehub

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipehub::flush_hub)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipehub::tick_hub)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipehub::close_client)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipehub::end_hub)
