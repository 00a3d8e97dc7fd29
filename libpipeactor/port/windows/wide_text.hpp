#pragma once

#include <string>

namespace pipeactor::port {

/// Translates UTF-8 to the UTF-16 of the system's functions.
/// @returns an empty string if `text` is empty or no UTF-8
std::wstring to_wide(const std::string& text);

/// Translates UTF-16 to UTF-8. What is not valid UTF-16 becomes U+FFFD.
std::string to_utf8(const wchar_t* text);

} // namespace pipeactor::port
