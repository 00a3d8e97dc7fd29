#pragma once

#include "pipeactor/caf.hpp"

#include <string>
#include <vector>

namespace pipeactor::port {

/// Returns the leaf names of all pipes that match a pattern of `*` and `?`, sorted, including those
/// of programs that do not use pipeactor. Opens none of them. May wait for the system: not for a
/// bridge's thread.
/// @returns `errc::not_supported` if the system does not list its pipes (Wine)
caf::expected<std::vector<std::string>> find_pipe_names(const std::string& pattern);

} // namespace pipeactor::port
