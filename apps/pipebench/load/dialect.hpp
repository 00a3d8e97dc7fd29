#pragma once

#include <string>
#include <string_view>

namespace pipebench {

/// How a server tells messages apart, and what it wants to hear first. All messages of a run
/// are of one length, so that what stands before each is constant.
enum class dialect {
  packets, ///< SOCK_SEQPACKET: the kernel keeps messages apart
  frames,  ///< a stream; a length of 4 bytes, little-endian, before each message
  bytes,   ///< a stream without boundaries
  sp,      ///< nanomsg's Scalability Protocols over IPC (nng), RFC sp-tcp-mapping-01
  zmtp,    ///< ZeroMQ's ZMTP 3.0 (RFC 23), without security
};

/// What a connection is to the server.
enum class role { echo_client, subscriber, publisher };

bool is_stream(dialect d) noexcept;

/// Returns what stands before each message of `size` bytes.
std::string prefix_of(dialect d, role r, size_t size);

/// Introduces the connection `fd` to the server; blocks.
/// @throws std::system_error, std::runtime_error
void shake_hands(int fd, dialect d, role r);

} // namespace pipebench
