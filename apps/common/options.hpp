#pragma once

#include <pipeactor/options.hpp>

#include <CLI/CLI.hpp>

#include <string>

// Options that several commands have. Each function adds one to the command line `app`; parsing
// the command line then sets the referenced value.

/// Adds the name of the pipe, which is required.
void add_name(CLI::App& app, std::string& name);

/// Adds `--mode`.
void add_mode(CLI::App& app, pipeactor::pipe_mode& mode);

/// Adds `--port` and `--spin-us`.
void add_port(CLI::App& app, pipeactor::context_options& options);

/// Adds an option that says who may be at the other end.
void add_access(CLI::App& app, const char* option, pipeactor::pipe_access& access,
                const char* help);

/// Returns a check for options of unsigned type: CLI11 itself would accept a minus sign, and wrap
/// the number around.
CLI::Validator not_negative();
