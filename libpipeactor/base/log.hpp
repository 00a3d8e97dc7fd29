#pragma once

#include "pipeactor/export.hpp"

#include <string>

namespace pipeactor::detail {

/// Writes a line to the log "pipeactor": a logger of that name which the program has
/// registered with spdlog, else one on stderr. Any thread; never throws.
PIPEACTOR_EXPORT void log_warning(const std::string& text) noexcept;

} // namespace pipeactor::detail
