#pragma once

#include "pipeactor/caf.hpp"

#include <string>
#include <vector>

namespace pipeactor::port {

/// Returns the leaf names of live pipeactor servers that match a pattern of `*` and `?`, sorted,
/// of both places. No server notices; one whose lock file the caller may not read is not found.
caf::expected<std::vector<std::string>> find_pipe_names(const std::string& pattern);

/// The same for one directory; adds to `names`, in no order.
caf::error find_pipe_names_in(const std::string& directory, const std::string& pattern,
                              std::vector<std::string>& names);

} // namespace pipeactor::port
