#pragma once

#include "common/tool.hpp"

namespace pipehub {

/// Adds `pipehub pub`: publishes messages.
command add_pub(CLI::App& tool);

/// Adds `pipehub reply`: answers requests.
command add_reply(CLI::App& tool);

/// Adds `pipehub req`: makes a request and prints the answer.
command add_req(CLI::App& tool);

/// Adds `pipehub sub`: prints messages.
command add_sub(CLI::App& tool);

/// Adds `pipehub serve`: runs a hub.
command add_serve(CLI::App& tool);

} // namespace pipehub
