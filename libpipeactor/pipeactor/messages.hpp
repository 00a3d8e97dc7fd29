#pragma once

// Every request and event is a message: a named struct that CAF can inspect and
// serialise.

#include "pipeactor/events.hpp"
#include "pipeactor/peer_identity.hpp"
#include "pipeactor/requests.hpp"
#include "pipeactor/statistics.hpp"

#include <vector>

namespace pipeactor {

/// Returns handlers that ignore every event. A plain CAF actor prints messages that it
/// has no handler for; end a handler actor's behavior with these:
/// `return caf::message_handler{...}.or_else(ignore_events());`
PIPEACTOR_EXPORT caf::message_handler ignore_events();

/// Returns a behavior of the given handlers that ignores all other events.
template <class... Fs>
caf::behavior event_handlers(Fs... fs) {
  return caf::message_handler{std::move(fs)...}.or_else(ignore_events());
}

/// Makes the messages known to an actor system; needed to send them to other nodes. Call it
/// before the system is made.
PIPEACTOR_EXPORT void add_message_types(caf::actor_system_config& config);

} // namespace pipeactor

// The block begins well above `caf::first_custom_type_id`, where users' own blocks begin.
CAF_BEGIN_TYPE_ID_BLOCK(pipeactor, caf::first_custom_type_id + 800)
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::payload))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::cookie))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::peer_identity))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::named_pipe_connection))
  CAF_ADD_TYPE_ID(pipeactor, (std::vector<pipeactor::named_pipe_connection>))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::start))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::stop))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_broadcast))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::get_connections))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::broadcast_result))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_write))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_read))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::async_close))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::server_ready))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_connected))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_message_received))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_message_sent))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_message_failed))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::client_disconnected))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::connect))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::connected))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::connect_failed))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::message_received))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::message_sent))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::message_failed))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::disconnected))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::reconnecting))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::close_after_drain))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::get_stats))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::connection_stats))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::bridge_stats))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::statistics))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::find_named_pipes))
CAF_END_TYPE_ID_BLOCK(pipeactor)
