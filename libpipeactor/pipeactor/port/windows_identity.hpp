#pragma once

// Who is who on Windows: security identifiers (SIDs) as strings, "S-1-5-21-...".

#include "pipeactor/peer_identity.hpp"

#include <windows.h>

#include <string>

namespace pipeactor::port {

/// Returns the SID of the user that this process runs as, or an empty string where the system
/// does not tell.
const std::string& current_user_sid();

/// Returns who is at the other end of a pipe. For a server the user is the one that the system
/// noted when the client opened the pipe, else, and for a client, the one whose process it is. SQOS
/// of a client that lets nobody see who it is (SECURITY_ANONYMOUS) does not hide its process.
peer_identity peer_of(HANDLE pipe);

} // namespace pipeactor::port
