#pragma once

#include "pipeactor/caf.hpp"

#include <cstdint>
#include <string>

namespace pipeactor::port {

/// The system's id of a user or a group.
struct principal_id {
  /// -1 if it has no number (Windows).
  int64_t id = -1;
  /// Windows only; empty for a number.
  std::string sid;
};

/// Looks a user or a group up: a number stands for itself, on Windows "S-1-5-..." does, and a name
/// is looked up in the system's database of users, which may wait for a directory service.
/// @returns the id, or `errc::invalid_option` if there is no such user or group
caf::expected<principal_id> find_user(const std::string& user);

/// @copydoc find_user
caf::expected<principal_id> find_group(const std::string& group);

} // namespace pipeactor::port
