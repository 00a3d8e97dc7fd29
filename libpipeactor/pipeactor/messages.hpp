#pragma once

// Includes every message: the requests, the events and the answers. Each is a struct that CAF can
// print, and send to other nodes.

#include "pipeactor/events.hpp"
#include "pipeactor/peer_identity.hpp"
#include "pipeactor/requests.hpp"
#include "pipeactor/statistics.hpp"

#include <vector>

namespace pipeactor {

/// Returns handlers that ignore every event. A handler actor of this node drops in silence
/// what it has no handler for; one of another node prints it, unless its behavior ends with these:
/// `return caf::message_handler{...}.or_else(ignore_events());`
PIPEACTOR_EXPORT caf::message_handler ignore_events();

/// Returns a behavior that has these handlers and ignores all other events.
template <class... Fs>
caf::behavior event_handlers(Fs... fs) {
  return caf::message_handler{std::move(fs)...}.or_else(ignore_events());
}

/// Registers the messages for the actor system that will be made from `config`. Call it to send
/// messages and handles to other nodes.
PIPEACTOR_EXPORT void add_message_types(caf::actor_system_config& config);

} // namespace pipeactor
