#pragma once

#include "client/hub_client.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace pipehub {

// Options that several commands have. Each function adds some to the command line `app`; parsing
// the command line then sets the referenced value.

/// Adds `--mode`.
void add_mode(CLI::App& app, pipeactor::pipe_mode& mode);

/// Adds what all client commands have: `--pipe`, `--trust`, `--mode` and the port.
void add_hub(CLI::App& app, hub_address& hub);

/// Adds `-q,--qos`.
void add_qos(CLI::App& app, uint8_t& qos, const char* help);

/// Adds `-W,--timeout`, in seconds.
void add_timeout(CLI::App& app, std::optional<std::chrono::duration<double>>& value,
                 const char* help);

/// Adds `--announce`.
void add_announce(CLI::App& app, bool& value);

/// Returns the time at which `-W` is over.
console::clock::time_point end_of(const std::optional<std::chrono::duration<double>>& timeout);

/// Prints on standard error, as a line of its own, that messages may come.
void announce_subscription();

/// Checks a topic that the user wrote.
/// @returns what is wrong with it, or an empty string
std::string check_topic(const std::string& topic);

/// Checks a topic filter that the user wrote.
/// @returns what is wrong with it, or an empty string
std::string check_topic_filter(const std::string& filter);

/// Checks the name of a shared subscription's group.
/// @returns what is wrong with it, or an empty string
std::string check_share_name(const std::string& name);

/// Waits until the task of a client is done, or a signal, a failure, the deadline, or the end of
/// standard output's reader ends the command.
/// @returns whether the time was over
bool wait_for_task(hub_client& client, console& terminal, console::clock::time_point deadline);

/// Says good-bye, and reports a failure of the client or of standard output.
/// @returns the exit code: 0 or 1
int end_client(hub_client& client, const console& terminal);

} // namespace pipehub
