#pragma once

#include "common/tool.hpp"

/// Adds `pipecat connect`: sends standard input, and prints what comes back.
command add_connect(CLI::App& tool);

/// Adds `pipecat list`: prints the names of live servers.
command add_list(CLI::App& tool);

/// Adds `pipecat listen`: runs a server.
command add_listen(CLI::App& tool);
