#pragma once

// Who is who on Windows: security identifiers (SIDs) as strings, "S-1-5-21-...".

#include "pipeactor/peer_identity.hpp"

#include <windows.h>

#include <string>

namespace pipeactor::port {

/// Returns who this process is; without SIDs where the system does not tell.
const peer_identity& current_process();

/// Returns who is at the other end of a pipe. For a server the user is the one that the system
/// noted when the client opened the pipe, else, and for a client, the one whose process it is. SQOS
/// of a client that lets nobody see who it is (SECURITY_ANONYMOUS) does not hide its process.
peer_identity peer_of(HANDLE pipe);

enum class principal_kind : uint8_t { user, group };

/// Looks an account up by its name, or takes its SID; may wait for a directory service.
/// @returns the SID, or `errc::invalid_option` for one that is not there or of the other kind
caf::expected<std::string> find_sid(principal_kind kind, const std::string& name);

} // namespace pipeactor::port
