#include "pipeactor/pipe_name.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/detail/pattern.hpp"

#include <windows.h>

#include <algorithm>
#include <string_view>

namespace pipeactor {

namespace {

constexpr std::string_view prefix = "\\\\.\\pipe\\";
/// CreateNamedPipe: "the entire pipe name string can be up to 256 characters long".
constexpr size_t longest_path = 256;

bool is_control(char c) {
  auto value = static_cast<unsigned char>(c);
  return value < 0x20 || value == 0x7f;
}

/// Returns what is wrong with a name, or nullptr.
const char* flaw_of(const std::string& name) {
  if (std::any_of(name.begin(), name.end(), is_control))
    return "has a control character";
  // The system takes "/" for "\" in such paths, and cuts dots and spaces off their ends.
  if (name.find_first_of("/\\") != std::string::npos)
    return "has a slash or backslash";
  if (name.front() == '.')
    return "starts with a dot";
  if (name.back() == '.' || name.back() == ' ')
    return "ends with a dot or a space, which Windows cuts off";
  return nullptr;
}

std::string to_utf8(const wchar_t* text) {
  // The size counts the NUL at the end.
  auto size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
  std::string result(static_cast<size_t>(std::max(size, 1)), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text, -1, result.data(), size, nullptr, nullptr);
  result.pop_back();
  return result;
}

} // namespace

caf::expected<std::string> pipe_path(const std::string& text, pipe_place) {
  // A path of a pipe is as good as its name, as an absolute path is elsewhere.
  auto is_path = text.compare(0, prefix.size(), prefix) == 0;
  auto name = is_path ? text.substr(prefix.size()) : text;
  if (name.empty())
    return make_error(errc::missing_pipe_name);
  if (auto* flaw = flaw_of(name); flaw != nullptr)
    return make_error(errc::invalid_pipe_name, std::string{"the pipe name "} + flaw);
  auto path = std::string{prefix} + name;
  if (path.size() > longest_path)
    return make_error(errc::pipe_name_too_long,
                      "the path " + path + " has " + std::to_string(path.size())
                        + " bytes: " + std::to_string(longest_path) + " are allowed");
  return path;
}

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

} // namespace pipeactor
