#pragma once

#include <sys/types.h>

#include <cstdint>

namespace pipeactor::port {

/// In a user namespace, the kernel shows every user that has no number there as one and the same:
/// the overflow id (user_namespaces(7), usually 65534). Such a user is not known.
/// @returns the id, or -1 if it is not known whose it is
int64_t known_user(uid_t id) noexcept;

/// @copydoc known_user
int64_t known_group(gid_t id) noexcept;

} // namespace pipeactor::port
