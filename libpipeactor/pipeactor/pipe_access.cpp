#include "pipeactor/pipe_access.hpp"

#include "pipeactor/error.hpp"

#include <algorithm>
#include <string_view>

namespace pipeactor {

namespace {

constexpr std::string_view group_prefix = "group:";
constexpr std::string_view list_prefix = "list:";

/// LocalSystem, the nearest that Windows has to root.
constexpr std::string_view system_sid = "S-1-5-18";

bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool is_group(const std::string& principal) {
  return !principal.empty() && principal.front() == '@';
}

template <class T>
bool contains(const std::vector<T>& ids, const T& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

template <class T>
bool overlap(const std::vector<T>& lhs, const std::vector<T>& rhs) {
  return std::find_first_of(lhs.begin(), lhs.end(), rhs.begin(), rhs.end()) != lhs.end();
}

/// What a system does not have must not admit all who have none.
void add(account who, std::vector<int64_t>& ids, std::vector<std::string>& sids) {
  if (who.id >= 0)
    ids.push_back(who.id);
  if (!who.sid.empty())
    sids.push_back(std::move(who.sid));
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
  if (has_prefix(text, list_prefix) && text.size() > list_prefix.size())
    return list(split(std::string_view{text}.substr(list_prefix.size())));
  return make_error(errc::invalid_option, "access is '" + text
                                            + "': use owner, group, group:NAME, everyone or "
                                              "list:USER,@GROUP,...");
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

bool resolved_access::admits(const peer_identity& peer) const noexcept {
  return kind == pipe_access::kind::everyone || peer.uid == 0 || peer.sid == system_sid
         || contains(users, peer.uid) || contains(groups, peer.gid) || overlap(peer.groups, groups)
         || contains(sids, peer.sid) || overlap(peer.group_sids, group_sids);
}

caf::expected<resolved_access> resolve(const pipe_access& access) {
  auto self = this_process();
  resolved_access result;
  result.kind = access.type();
  add({self.uid, std::move(self.sid)}, result.users, result.sids);
  if (access.type() == pipe_access::kind::group && access.principals().empty())
    add({self.gid, std::move(self.group_sid)}, result.groups, result.group_sids);
  if (access.type() == pipe_access::kind::list && access.principals().empty())
    return make_error(errc::invalid_option, "a list of access names nobody: use owner");
  for (auto& principal : access.principals()) {
    auto is_user = !is_group(principal);
    auto found = is_user ? find_user(principal) : find_group(principal.substr(1));
    if (!found)
      return std::move(found.error());
    add(std::move(*found), is_user ? result.users : result.groups,
        is_user ? result.sids : result.group_sids);
  }
  return result;
}

} // namespace pipeactor
