#include "port/windows/pipe_discovery.hpp"

#include "pipeactor/error.hpp"
#include "base/pattern.hpp"

#include <windows.h>

#include <algorithm>

namespace pipeactor::port {

namespace {

std::string to_utf8(const wchar_t* text) {
  // The size counts the NUL at the end.
  auto size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
  std::string result(static_cast<size_t>(std::max(size, 1)), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text, -1, result.data(), size, nullptr, nullptr);
  result.pop_back();
  return result;
}

} // namespace

caf::expected<std::vector<std::string>> find_pipe_names(const std::string& pattern) {
  // Lists the names and opens none.
  WIN32_FIND_DATAW found = {};
  auto search = FindFirstFileW(L"\\\\.\\pipe\\*", &found);
  if (search == INVALID_HANDLE_VALUE)
    return make_error(errc::not_supported, "this system does not list its pipes",
                      static_cast<int>(GetLastError()));
  std::vector<std::string> result;
  do {
    auto name = to_utf8(found.cFileName);
    if (detail::matches(pattern, name))
      result.push_back(std::move(name));
  } while (FindNextFileW(search, &found));
  FindClose(search);
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

} // namespace pipeactor::port
