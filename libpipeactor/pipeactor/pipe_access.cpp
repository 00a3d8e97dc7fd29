#include "pipeactor/pipe_access.hpp"

#include "pipeactor/error.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <string_view>

namespace pipeactor {

namespace {

constexpr std::string_view group_prefix = "group:";
constexpr std::string_view list_prefix = "list:";

bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool names_nobody(const std::string& principal) {
  return principal.empty() || principal == "@";
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> result;
  for (;;) {
    auto end = text.find(',');
    result.emplace_back(text.substr(0, end));
    if (end == text.npos)
      return result;
    text.remove_prefix(end + 1);
  }
}

} // namespace

pipe_access pipe_access::owner() {
  return {};
}

pipe_access pipe_access::group(std::string name) {
  if (name.empty())
    return {kind::group, {}};
  return {kind::group, {"@" + std::move(name)}};
}

pipe_access pipe_access::everyone() {
  return {kind::everyone, {}};
}

pipe_access pipe_access::list(std::vector<std::string> principals) {
  return {kind::list, std::move(principals)};
}

caf::expected<pipe_access> pipe_access::parse(const std::string& text) {
  if (text == "owner")
    return owner();
  if (text == "everyone")
    return everyone();
  if (text == "group")
    return group();
  if (has_prefix(text, group_prefix) && text.size() > group_prefix.size())
    return group(text.substr(group_prefix.size()));
  if (has_prefix(text, list_prefix)) {
    auto principals = split(std::string_view{text}.substr(list_prefix.size()));
    if (std::none_of(principals.begin(), principals.end(), names_nobody))
      return list(std::move(principals));
  }
  return make_error(errc::invalid_option,
                    fmt::format("access is '{}': use owner, group, group:NAME, everyone or "
                                "list:USER,@GROUP,...",
                                text));
}

std::string to_string(const pipe_access& access) {
  switch (access.type()) {
  case pipe_access::kind::owner:
    return "owner";
  case pipe_access::kind::everyone:
    return "everyone";
  case pipe_access::kind::group:
    return access.principals().empty()
             ? "group"
             : std::string{group_prefix} + access.principals().front().substr(1);
  case pipe_access::kind::list:
    break;
  }
  std::string result{list_prefix};
  for (auto& principal : access.principals())
    result += (result.size() > list_prefix.size() ? "," : "") + principal;
  return result;
}

} // namespace pipeactor
