#pragma once

#include "console.hpp"

#include <pipeactor/options.hpp>

#include <chrono>
#include <optional>
#include <string>

/// What the command line of `pipecat connect` says.
struct connect_command {
  pipeactor::context_options context;
  pipeactor::client_options client;
  std::string pipe_name;
  /// How long to try while the server is busy.
  std::chrono::duration<double> timeout{5};
  /// How long a silence ends it, once standard input has ended.
  std::optional<std::chrono::duration<double>> linger;
  /// How many replies end it; 0: no number does.
  uint64_t expect = 0;
  /// Standard input is one message.
  bool whole = false;
};

/// Sends standard input, and prints what comes back.
/// @returns the exit code
int run(const connect_command& command, console& terminal);
