#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/type_ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor {

/// The user and process at the other end of a pipe, as the kernel reports them: the peer cannot
/// forge them. Read once, when the connection is made; if the peer passes its descriptor to another
/// process, this stays as it is. Sources: SO_PEERCRED and SO_PEERGROUPS in unix(7); on Windows the
/// token of the client, or of the server's process.
struct peer_identity {
  /// Process id; 0 if the kernel does not say, e.g. for a peer in another pid namespace.
  int64_t pid = 0;
  /// Linux: user and group id; -1 if the kernel does not say.
  int64_t uid = -1;
  int64_t gid = -1;
  /// Linux: ids of the supplementary groups.
  std::vector<int64_t> groups;
  /// Windows: the user's security identifier, "S-1-5-21-..."; empty if the system does not say.
  std::string sid;
  /// Windows: the security identifiers of the primary group, and of all groups that give the user
  /// rights.
  std::string group_sid;
  std::vector<std::string> group_sids;
};
PIPEACTOR_INSPECT(peer_identity, pid, uid, gid, groups, sid, group_sid, group_sids)

/// Returns e.g. "pid 12, uid 1000, gid 1000"; on Windows "pid 12, sid S-1-5-21-...".
PIPEACTOR_EXPORT std::string to_string(const peer_identity& peer);

/// Returns everything that is known, with names: "pid 12, uid 1000 (alice), gid 1000 (alice),
/// groups 27 (sudo) 50 (staff)". Looks the names up in the system's database of users, which may
/// block while a directory service answers: do not call it on a bridge. A number stands alone if it
/// has no name, or if the database cannot be read, e.g. because the process has no descriptor left.
/// On Windows the same as `to_string`.
PIPEACTOR_EXPORT std::string describe(const peer_identity& peer);

/// Returns the identity that peers see of this process: its effective user and groups.
PIPEACTOR_EXPORT peer_identity this_process();

} // namespace pipeactor
