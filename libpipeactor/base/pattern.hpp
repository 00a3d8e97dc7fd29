#pragma once

#include <string_view>

namespace pipeactor::detail {

/// Returns whether a name matches a pattern: `*` stands for any number of characters, `?` for
/// one (of UTF-8), everything else for itself.
bool matches(std::string_view pattern, std::string_view name) noexcept;

} // namespace pipeactor::detail
