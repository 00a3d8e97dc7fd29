#pragma once

#include <pipeactor/context.hpp>
#include <pipeactor/error.hpp>

#include <string>

/// Sets the name that stands before each report. Call it before there are threads.
void report_as(const char* tool);

/// Prints "<tool>: <text>" as one line on standard error. Any thread.
void report(const std::string& text);

/// Reports an error.
/// @returns the exit code for it
int fail(const caf::error& error);

/// Reports why a server or client could not begin, and what to do if its port is the reason.
/// @returns the exit code for it
int fail_to_begin(const caf::error& error, pipeactor::context& ctx, pipeactor::port_kind wanted);

/// Reports that standard output cannot be written.
/// @param os_code the reason, see `console::write_error`
/// @returns the exit code for it
int fail_to_print(int os_code);
