#pragma once

#include "pipeactor/peer_identity.hpp"
#include "pipeactor/pipe_access.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pipeactor::port {

/// A `pipe_access` whose names were looked up, to compare peers with.
struct resolved_access {
  /// Returns whether `peer` may be at the other end. A peer that the kernel does not identify is
  /// admitted by `everyone` only.
  bool admits(const peer_identity& peer) const noexcept;

  pipe_access::kind kind = pipe_access::kind::owner;
  /// User ids, among them that of this process.
  std::vector<int64_t> users;
  std::vector<int64_t> groups;
  /// The same on Windows.
  std::vector<std::string> sids;
  std::vector<std::string> group_sids;
};

/// Looks the names up in the system's database of users; may wait for a directory service.
/// @param self whom `owner` and a group without a name mean
/// @returns the ids, or `errc::invalid_option` with the first name that is unknown
caf::expected<resolved_access> resolve(const pipe_access& access,
                                       peer_identity self = this_process());

} // namespace pipeactor::port
