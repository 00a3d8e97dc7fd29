#pragma once

#include "pipeactor/caf.hpp"
#include "actors/bridge_connections.hpp"

#include <vector>

namespace pipeactor::detail {

/// Asks each bridge for its counters, and answers `promise` with `statistics`.
/// @param self a server or client manager
void gather_statistics(caf::event_based_actor& self,
                       const std::vector<bridge_connections_ptr>& bridges, uint64_t coordinator_id,
                       caf::response_promise promise);

} // namespace pipeactor::detail
