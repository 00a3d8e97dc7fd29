#include "port/windows/pipe_name.hpp"

#include "base/errors.hpp"

#include <algorithm>
#include <string_view>

namespace pipeactor::port {

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
  // In such paths the system takes "/" for "\", and cuts dots and spaces off their ends.
  if (name.find_first_of("/\\") != std::string::npos)
    return "has a slash or backslash";
  if (name.front() == '.')
    return "starts with a dot";
  if (name.back() == '.' || name.back() == ' ')
    return "ends with a dot or a space, which Windows cuts off";
  return nullptr;
}

} // namespace

caf::expected<std::string> pipe_path(const std::string& text) {
  // As on Linux, a path may stand for the name.
  auto is_path = text.compare(0, prefix.size(), prefix) == 0;
  auto name = is_path ? text.substr(prefix.size()) : text;
  if (name.empty())
    return make_error(errc::missing_pipe_name);
  if (auto* flaw = flaw_of(name); flaw != nullptr)
    return errors::invalid_pipe_name(flaw);
  auto path = std::string{prefix} + name;
  if (path.size() > longest_path)
    return errors::pipe_name_too_long(path, longest_path);
  return path;
}

} // namespace pipeactor::port
