#include "pipeactor/peer_identity.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/port/windows_identity.hpp"

namespace pipeactor {

namespace {

constexpr size_t most_digits = 10;

caf::expected<account> find(port::account_kind kind, const std::string& name) {
  // Numbers are for peers that are not of this system, those of a simulated network.
  if (!name.empty() && name.size() <= most_digits
      && name.find_first_not_of("0123456789") == std::string::npos)
    return account{std::stoll(name), {}};
  auto sid = port::find_sid(kind, name);
  if (!sid)
    return std::move(sid.error());
  return account{-1, std::move(*sid)};
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

caf::expected<account> find_user(const std::string& user) {
  return find(port::account_kind::user, user);
}

caf::expected<account> find_group(const std::string& group) {
  return find(port::account_kind::group, group);
}

} // namespace pipeactor
