#include "port/windows/wide_text.hpp"

#include <windows.h>

#include <algorithm>
#include <climits>

namespace pipeactor::port {

std::wstring to_wide(const std::string& text) {
  if (text.size() > INT_MAX)
    return {};
  auto size = static_cast<int>(text.size());
  auto length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), size, nullptr, 0);
  std::wstring result(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), size, result.data(), length);
  return result;
}

std::string to_utf8(const wchar_t* text) {
  // The size counts the NUL at the end; 0 means failure.
  auto size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
  std::string result(static_cast<size_t>(std::max(size, 1)), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text, -1, result.data(), size, nullptr, nullptr);
  result.pop_back();
  return result;
}

} // namespace pipeactor::port
