#include "pipeactor/peer_identity.hpp"

#include <unistd.h>

namespace pipeactor {

std::string to_string(const peer_identity& peer) {
  auto number = [](int64_t value, int64_t unknown) {
    return value == unknown ? std::string{"unknown"} : std::to_string(value);
  };
  return "pid " + number(peer.pid, 0) + ", uid " + number(peer.uid, -1) + ", gid "
         + number(peer.gid, -1);
}

bool is_same_user_or_root(const peer_identity& peer) {
  return peer.uid == 0 || peer.uid == static_cast<int64_t>(geteuid());
}

peer_identity this_process() {
  peer_identity result;
  result.pid = getpid();
  result.uid = geteuid();
  result.gid = getegid();
  return result;
}

} // namespace pipeactor
