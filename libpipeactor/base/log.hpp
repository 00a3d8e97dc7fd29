#pragma once

#include "pipeactor/export.hpp"

#include <string>

namespace pipeactor::detail {

/// Writes a line to the log "pipeactor": the logger of that name that the program registered with
/// spdlog, or else stderr. Any thread. Never throws.
PIPEACTOR_EXPORT void log_warning(const std::string& text) noexcept;

} // namespace pipeactor::detail
