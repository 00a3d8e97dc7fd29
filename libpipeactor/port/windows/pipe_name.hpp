#pragma once

#include "pipeactor/caf.hpp"

#include <string>

namespace pipeactor::port {

/// Returns the path of a pipe: `\\.\pipe\NAME` for the leaf name NAME, and such a path as it is.
/// @returns an error for a name that is empty (`errc::missing_pipe_name`), has a slash, a backslash
///   or a control character, starts with a dot, ends with a dot or a space
///   (`errc::invalid_pipe_name`), or whose path is longer than 256 bytes
///   (`errc::pipe_name_too_long`)
caf::expected<std::string> pipe_path(const std::string& name);

} // namespace pipeactor::port
