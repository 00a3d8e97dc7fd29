#include "port/resolved_access.hpp"

#include "pipeactor/error.hpp"
#include "port/principal.hpp"

#include <algorithm>
#include <string_view>

namespace pipeactor::port {

namespace {

/// LocalSystem, the nearest that Windows has to root.
constexpr std::string_view system_sid = "S-1-5-18";

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

/// A missing id (-1, "") must never match peers whose id is missing, too.
void add(principal_id who, std::vector<int64_t>& ids, std::vector<std::string>& sids) {
  if (who.id >= 0)
    ids.push_back(who.id);
  if (!who.sid.empty())
    sids.push_back(std::move(who.sid));
}

} // namespace

bool resolved_access::admits(const peer_identity& peer) const noexcept {
  return kind == pipe_access::kind::everyone || peer.uid == 0 || peer.sid == system_sid
         || contains(users, peer.uid) || contains(groups, peer.gid) || overlap(peer.groups, groups)
         || contains(sids, peer.sid) || overlap(peer.group_sids, group_sids);
}

caf::expected<resolved_access> resolve(const pipe_access& access, peer_identity self) {
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

} // namespace pipeactor::port
