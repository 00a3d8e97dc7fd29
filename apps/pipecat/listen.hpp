#pragma once

#include "console.hpp"

#include <pipeactor/options.hpp>

/// What the command line of `pipecat listen` says.
struct listen_command {
  pipeactor::context_options context;
  pipeactor::server_options server;
  bool echo = false;
  bool broadcast = false;
  bool marshalled = false;
  bool verbose = false;
};

/// Runs a server until a signal, or the end of standard output.
/// @returns the exit code
int run(const listen_command& command, console& terminal);
