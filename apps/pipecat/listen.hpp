#pragma once

#include "console.hpp"

#include <pipeactor/options.hpp>

/// What a server tells on standard error.
enum class telling : uint8_t { nothing, clients, events };

/// What the command line of `pipecat listen` says.
struct listen_command {
  pipeactor::context_options context;
  pipeactor::server_options server;
  bool echo = false;
  bool broadcast = false;
  bool marshalled = false;
  telling told = telling::nothing;
};

/// Runs a server until a signal, or the end of standard output.
/// @returns the exit code
int run(const listen_command& command, console& terminal);
