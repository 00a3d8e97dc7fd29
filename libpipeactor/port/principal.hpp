#pragma once

#include "pipeactor/caf.hpp"

#include <cstdint>
#include <string>

namespace pipeactor::port {

/// What a user or a group is to the system.
struct principal_id {
  /// -1 where it has none (Windows).
  int64_t id = -1;
  /// Windows; of a number, and elsewhere, empty.
  std::string sid;
};

/// Looks a user or a group up: a number stands for itself, on Windows "S-1-5-..." does, and a name
/// is looked up in the system's database of users, which may wait for a directory service.
/// @returns `errc::invalid_option` for one that is not there
caf::expected<principal_id> find_user(const std::string& user);

/// @copydoc find_user
caf::expected<principal_id> find_group(const std::string& group);

} // namespace pipeactor::port
