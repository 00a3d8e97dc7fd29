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

/// The part of both that depends on the namespace.
/// @param overflow_id stands for all ids without a number here
/// @param map a file like /proc/self/uid_map: which ids have a number
int64_t known_id(uint32_t id, uint32_t overflow_id, const char* map) noexcept;

} // namespace pipeactor::port
