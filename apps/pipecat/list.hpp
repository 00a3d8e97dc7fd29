#pragma once

#include <string>

/// Prints the names of live servers that match `pattern`, one a line.
/// @returns the exit code: 1 where there is none, and without a word
int list(const std::string& pattern);
