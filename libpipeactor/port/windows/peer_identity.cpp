#include "pipeactor/peer_identity.hpp"

#include "pipeactor/error.hpp"
#include "port/principal.hpp"
#include "port/windows/windows_identity.hpp"

namespace pipeactor {

namespace {

constexpr size_t most_digits = 10;

caf::expected<port::principal_id> find(port::principal_kind kind, const std::string& name) {
  // Only peers that are not of this system have numbers: those of a simulated network.
  if (!name.empty() && name.size() <= most_digits
      && name.find_first_not_of("0123456789") == std::string::npos)
    return port::principal_id{std::stoll(name), {}};
  auto sid = port::find_sid(kind, name);
  if (!sid)
    return std::move(sid.error());
  return port::principal_id{-1, std::move(*sid)};
}

} // namespace

std::string to_string(const peer_identity& peer) {
  auto result = "pid " + (peer.pid == 0 ? std::string{"unknown"} : std::to_string(peer.pid));
  if (peer.sid.empty() && peer.uid >= 0)
    return result + ", uid " + std::to_string(peer.uid) + ", gid " + std::to_string(peer.gid);
  return result + ", sid " + (peer.sid.empty() ? "unknown" : peer.sid);
}

std::string describe(const peer_identity& peer) {
  return to_string(peer);
}

peer_identity this_process() {
  return port::current_process();
}

namespace port {

caf::expected<principal_id> find_user(const std::string& user) {
  return find(principal_kind::user, user);
}

caf::expected<principal_id> find_group(const std::string& group) {
  return find(principal_kind::group, group);
}

} // namespace port

} // namespace pipeactor
