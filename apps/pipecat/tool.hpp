#pragma once

#include <pipeactor/context.hpp>
#include <pipeactor/error.hpp>

#include <caf/actor_system_config.hpp>

#include <string>

/// Prints "pipecat: <text>" as one line on standard error. Any thread.
void report(const std::string& text);

/// Prints an error.
/// @returns the exit code for it
int fail(const caf::error& error);

/// Prints why a server or client could not begin, and what helps where its port is to blame.
/// @returns the exit code for it
int fail_to_begin(const caf::error& error, pipeactor::context& ctx, pipeactor::port_kind wanted);

/// Says that standard output cannot be written.
/// @param os_code why, see `console::write_error`
/// @returns the exit code for it
int fail_to_print(int os_code);

/// An actor system for a tool that mostly waits: its workers sleep while there is nothing
/// to do, where CAF's own choice looks for work a hundred times a second.
class tool_config : public caf::actor_system_config {
public:
  tool_config();
};
