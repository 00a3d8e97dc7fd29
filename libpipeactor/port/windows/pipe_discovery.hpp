#pragma once

#include "pipeactor/caf.hpp"

#include <string>
#include <vector>

namespace pipeactor::port {

/// Returns the names of all pipes that match a pattern of `*` and `?`, sorted, whoever serves them.
/// No server notices.
/// @returns `errc::not_supported` if the system does not list its pipes (Wine)
caf::expected<std::vector<std::string>> find_pipe_names(const std::string& pattern);

} // namespace pipeactor::port
