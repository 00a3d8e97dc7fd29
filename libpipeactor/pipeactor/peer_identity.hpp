#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/type_ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor {

/// Who is at the other end of a pipe, as the kernel reports it (unix(7),
/// SO_PEERCRED and SO_PEERGROUPS; on Windows the token of the client or of the server's
/// process): the peer cannot forge it. Taken once, when the connection is made; a process that
/// passes its descriptor on stays its owner here.
struct peer_identity {
  /// Process id, 0 where the kernel does not tell (a peer of another pid namespace).
  int64_t pid = 0;
  /// User and group id, -1 where the kernel does not tell.
  int64_t uid = -1;
  int64_t gid = -1;
  /// Supplementary groups.
  std::vector<int64_t> groups;
  /// Windows: the user's security identifier, "S-1-5-21-..."; empty where the system does not
  /// tell, and elsewhere.
  std::string sid;
  /// Windows: the primary group's, and those of all groups that give the user rights.
  std::string group_sid;
  std::vector<std::string> group_sids;
};
PIPEACTOR_INSPECT(peer_identity, pid, uid, gid, groups, sid, group_sid, group_sids)

/// Returns e.g. "pid 12, uid 1000, gid 1000", on Windows "pid 12, sid S-1-5-21-...".
PIPEACTOR_EXPORT std::string to_string(const peer_identity& peer);

/// Returns all there is, with names: "pid 12, uid 1000 (alice), gid 1000 (alice), groups 27
/// (sudo) 50 (staff)". Looks them up in the system's database of users, which may wait for a
/// directory service. On Windows the same as `to_string`.
PIPEACTOR_EXPORT std::string describe(const peer_identity& peer);

/// Returns what peers learn about this process: its effective user and groups.
PIPEACTOR_EXPORT peer_identity this_process();

} // namespace pipeactor
