#pragma once

#include "pipeactor/caf.hpp"

#include <string>

namespace pipeactor::port {

/// Translates `errno` to an error of ours: the only place that does, for all that the
/// Linux ports call. `what` says what was tried, e.g. "cannot connect to /tmp/x".
caf::error unix_error(int error_number, const std::string& what);

} // namespace pipeactor::port
