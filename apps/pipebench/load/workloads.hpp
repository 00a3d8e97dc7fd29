#pragma once

#include "options.hpp"

#include <nlohmann/json.hpp>

namespace pipebench {

// Each function puts one kind of load on the server for a while, and returns the figures.
// They throw std::exception.

/// Every connection sends, and each message comes back. With a rate, the time of a message counts
/// from when it was due, not from when it could be sent: a server cannot hide that it stalls.
nlohmann::json run_echo(const load_options& options);

/// One connection publishes, and all receive. A message is done when all have received it.
nlohmann::json run_broadcast(const load_options& options);

/// `connections` clients at a time connect, have one message returned, and leave.
nlohmann::json run_connecting(const load_options& options);

/// Connects all clients, and measures the server's memory while they are silent.
nlohmann::json run_idle(const load_options& options);

} // namespace pipebench
