#pragma once

#include "common/tool.hpp"

namespace pipehub {

/// Adds `pipehub serve`: runs a hub.
command add_serve(CLI::App& tool);

} // namespace pipehub
