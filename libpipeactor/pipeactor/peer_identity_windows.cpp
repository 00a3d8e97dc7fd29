#include "pipeactor/peer_identity.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/port/windows_identity.hpp"

#include <windows.h>

namespace pipeactor {

namespace {

constexpr size_t most_digits = 10;

/// Numbers are for peers that are not of this system, those of a simulated network.
caf::expected<int64_t> id_of(const std::string& what, const std::string& name) {
  if (!name.empty() && name.size() <= most_digits
      && name.find_first_not_of("0123456789") == std::string::npos)
    return std::stoll(name);
  return make_error(errc::not_supported, "Windows has no " + what + " ids, so '" + name
                                           + "' cannot be admitted: use owner or everyone");
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
  peer_identity result;
  result.pid = GetCurrentProcessId();
  result.sid = port::current_user_sid();
  return result;
}

caf::expected<int64_t> user_id(const std::string& user) {
  return id_of("user", user);
}

caf::expected<int64_t> group_id(const std::string& group) {
  return id_of("group", group);
}

} // namespace pipeactor
