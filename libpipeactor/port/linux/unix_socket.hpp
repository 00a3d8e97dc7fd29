#pragma once

// AF_UNIX sockets as pipes, for the Linux ports. SOCK_SEQPACKET keeps message boundaries,
// SOCK_STREAM is the byte mode (unix(7)).

#include "port/completion_port.hpp"
#include "port/linux/pipe_name_claim.hpp"
#include "port/linux/unique_fd.hpp"

#include <string>
#include <utility>

namespace pipeactor::port {

/// A connected socket that no port has adopted yet.
class unix_pipe final : public raw_pipe {
public:
  explicit unix_pipe(unique_fd fd) noexcept : fd(std::move(fd)) {}
  ~unix_pipe() override;

  peer_identity peer() const override;

  unique_fd fd;
};

/// A listening socket and the right to its name. The name goes after the socket.
struct unix_listener {
  unix_listener() = default;
  unix_listener(pipe_name_claim claim, unique_fd socket)
      : claim(std::move(claim)), socket(std::move(socket)) {}
  unix_listener(unix_listener&& other) noexcept = default;
  unix_listener& operator=(unix_listener&& other) noexcept = default;

  /// Nobody can connect from here on, even if another process shares the socket.
  ~unix_listener();

  pipe_name_claim claim;
  unique_fd socket;
};

/// Publishes a name: directory, claim, socket, bind, mode (0600, 0660 with the group, 0666),
/// listen. All descriptors are non-blocking and close-on-exec.
caf::expected<unix_listener> listen_unix(const listen_request& request);

/// Connects without waiting: to a leaf name in the user's own directory or, if no server is there,
/// in the shared directory.
/// @returns `errc::no_such_pipe` (ENOENT, ECONNREFUSED, missing directory), `errc::pipe_busy`
///   (EAGAIN: the backlog is full), `errc::access_denied`, `errc::not_a_pipe` (EPROTOTYPE: a
///   pipe of the other mode; ENOTSOCK), ...
caf::expected<unique_fd> connect_unix(const std::string& pipe_name, pipe_mode mode);

/// Returns the identity of the peer (SO_PEERCRED, SO_PEERGROUPS).
peer_identity peer_of(int fd);

/// Returns a new socket's SO_SNDBUF as the kernel counts it.
size_t default_send_buffer();

/// Returns the largest SO_SNDBUF that this process may set (net.core.wmem_max decides),
/// found by trying on a socket of its own.
size_t largest_send_buffer();

/// Returns the longest message that a SOCK_SEQPACKET socket with that SO_SNDBUF sends:
/// the kernel keeps 32 bytes for itself (else EMSGSIZE), and refuses messages over
/// 4,263,616 bytes whatever the buffer (ENOBUFS; with pages of 4 KiB).
size_t longest_message(size_t send_buffer) noexcept;

/// Returns an error if SOCK_SEQPACKET messages of `size` bytes cannot be sent. It says what the
/// system needs for them.
caf::error check_unix_message_size(size_t size);

/// Returns the smallest SO_SNDBUF to ask for (socket(7)) if a message of `message` bytes is to be
/// sent.
size_t send_buffer_for(size_t message) noexcept;

/// Raises SO_SNDBUF so that a message of `size` bytes can be sent, if the system allows it.
/// @returns the SO_SNDBUF now in force
size_t raise_send_buffer(int fd, size_t size);

/// Makes each message of a SOCK_SEQPACKET socket carry the time as control data, which the
/// end of file does not: that tells it from an empty message (SO_TIMESTAMP, socket(7)).
caf::error stamp_messages(int fd);

/// Makes urgent data of a stream data like any other, and never a mark that reading stops at
/// (SO_OOBINLINE, socket(7)).
caf::error read_urgent_data_inline(int fd);

/// Ends reading and discards unread input: a socket closed with unread input makes the peer lose
/// our last words to ECONNRESET.
void discard_input(int fd, pipe_mode mode) noexcept;

/// The result of a look at the next message, which does not read it.
enum class peeked : uint8_t {
  nothing,
  data,
  end_of_file,
  /// The peer left without reading everything that was sent to it. Reported once; look again.
  reset,
};

/// Looks whether a socket has something to read. (SIOCINQ cannot tell an empty message from
/// nothing.) Message mode: of a socket whose messages are stamped.
peeked peek_input(int fd, pipe_mode mode) noexcept;

/// Returns the number of received bytes that wait to be read (SIOCINQ).
size_t unread_bytes(int fd) noexcept;

} // namespace pipeactor::port
