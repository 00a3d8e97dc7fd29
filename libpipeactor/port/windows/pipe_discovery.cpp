#include "port/windows/pipe_discovery.hpp"

#include "pipeactor/error.hpp"
#include "base/pattern.hpp"
#include "port/windows/wide_text.hpp"
#include "port/windows/windows_error.hpp"

#include <windows.h>

#include <algorithm>

namespace pipeactor::port {

caf::expected<std::vector<std::string>> find_pipe_names(const std::string& pattern) {
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
  auto code = GetLastError();
  FindClose(search);
  if (code != ERROR_NO_MORE_FILES)
    return windows_error(code, "cannot list the system's pipes");
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

} // namespace pipeactor::port
