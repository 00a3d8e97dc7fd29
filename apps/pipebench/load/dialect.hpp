#pragma once

#include <string>

namespace pipebench {

/// How a server tells messages apart, and how a connection begins. All messages of a run have
/// the same length, so the prefix of each is the same.
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

/// Returns the bytes that precede each message of `size` bytes.
std::string prefix_of(dialect d, role r, size_t size);

/// Begins the conversation on the connection `fd`; blocks.
/// @throws std::system_error, std::runtime_error
void shake_hands(int fd, dialect d, role r);

} // namespace pipebench
