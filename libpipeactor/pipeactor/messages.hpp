#pragma once

// Every request and event is a message: a named struct that CAF can print, and send to other
// nodes.

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
