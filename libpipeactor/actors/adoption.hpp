#pragma once

#include "actors/bridge_connections.hpp"

namespace pipeactor::detail {

/// Makes record and actor of a connection that is to live on a bridge. Any thread.
caf::actor spawn_connection(bridge_connections& bridge, const connection_settings& settings);

/// Makes a connection of a client that a port has accepted, and lets it begin, unless its peer is
/// not let in. Bridge thread.
void adopt(bridge_connections& bridge, const connection_settings& settings, port::raw_pipe_ptr raw);

} // namespace pipeactor::detail
