#pragma once

// Identities on Windows: security identifiers (SIDs) as strings, "S-1-5-21-...".

#include "pipeactor/peer_identity.hpp"

#include <windows.h>

#include <string>

namespace pipeactor::port {

/// Returns the identity of this process; without SIDs if the system does not report them.
const peer_identity& current_process();

/// Returns the identity of the process at the other end of a pipe; empty fields if the system does
/// not report them. At a server the user is the one that the system noted when the client opened
/// the pipe. If the client hides it (SECURITY_ANONYMOUS), and at a client, it is the user of the
/// other process.
peer_identity peer_of(HANDLE pipe);

enum class principal_kind : uint8_t { user, group };

/// Looks a user or group up by name; a SID stands for itself. May wait for a directory service:
/// not for a bridge's thread.
/// @returns the SID, or `errc::invalid_option` if there is none of that name and kind
caf::expected<std::string> find_sid(principal_kind kind, const std::string& name);

} // namespace pipeactor::port
