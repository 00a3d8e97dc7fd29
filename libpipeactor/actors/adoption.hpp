#pragma once

#include "actors/bridge_connections.hpp"

namespace pipeactor::detail {

/// Makes the record and the actor of a connection on a bridge. Any thread.
caf::actor spawn_connection(bridge_connections& bridge, const connection_settings& settings);

/// Makes a connection of a client that a port has accepted, and lets it begin, or refuses it if its
/// user is not admitted. Bridge thread.
void adopt(bridge_connections& bridge, const connection_settings& settings, port::raw_pipe_ptr raw);

} // namespace pipeactor::detail
