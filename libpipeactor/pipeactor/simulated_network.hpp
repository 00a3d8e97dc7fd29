#pragma once

// A network of pipes in memory, for tests: no system call, a seed and a clock of its own, and
// clients that play programs of other authors. Give its ports to a context:
// `context_options::make_port = simulated_ports(network)`.

#include "pipeactor/export.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/peer_identity.hpp"
#include "pipeactor/simulated_options.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pipeactor {

namespace port {
struct simulated_end;
struct simulated_state;
class simulated_port;
} // namespace port

// -- test clients -----------------------------------------------------------------------------

/// What became of a simulated_client::send.
enum class simulated_send : uint8_t {
  sent,
  /// The pipe is full: nothing was taken.
  would_block,
  /// Longer than `largest_message`: nothing was taken.
  too_large,
  /// The server closed the connection, or this client its writing half.
  closed,
};

/// The far end of a connection: plays a client that is not ours. Nothing blocks but what
/// says so. Any thread, one at a time.
class PIPEACTOR_EXPORT simulated_client {
public:
  /// For simulated_network::connect.
  simulated_client(std::shared_ptr<port::simulated_state> state,
                   std::unique_ptr<port::simulated_end> end);

  /// Closes, orderly.
  ~simulated_client();

  simulated_client(const simulated_client&) = delete;
  simulated_client& operator=(const simulated_client&) = delete;

  /// Writes a message, or in byte mode bytes: all of them or none.
  simulated_send send(std::string_view bytes);

  /// Returns a message, or in byte mode all bytes that are there; none where there is
  /// nothing to read now.
  std::optional<std::string> receive();

  /// Waits until there is something to receive, or the end (real time only).
  /// @returns whether there is
  bool wait_readable(std::chrono::steady_clock::time_point deadline) const;

  /// Waits until `size` bytes can be sent, or the server is gone (real time only).
  /// @returns whether they can
  bool wait_writable(size_t size, std::chrono::steady_clock::time_point deadline) const;

  /// Returns whether the server closed the connection and all that it wrote was read.
  bool at_end() const;

  /// Returns whether the server closed the connection without reading all input. What it
  /// wrote before can still be read.
  bool was_reset() const;

  /// Ends writing; what was sent still arrives, and reading goes on.
  void shutdown_write();

  /// Closes the connection. Whatever is unread here, the server sees an orderly end.
  void close();

  /// Closes the connection as if something were unread here: the server sees a reset, and
  /// can still read what was sent before.
  void abort();

private:
  bool can_send(size_t size) const;
  void leave(bool reset);

  std::shared_ptr<port::simulated_state> state_;
  std::unique_ptr<port::simulated_end> end_;
};

using simulated_client_ptr = std::shared_ptr<simulated_client>;

// -- the network ------------------------------------------------------------------------------

/// Pipe names, connections and the clock that simulated ports share. Created by the test.
/// Any thread. What it made may outlive it.
class PIPEACTOR_EXPORT simulated_network {
public:
  explicit simulated_network(uint64_t seed);
  explicit simulated_network(const simulated_options& options);

  /// Connects a test client.
  /// @param who what the server learns as its peer's identity
  /// @returns `errc::missing_pipe_name`, `errc::no_such_pipe`, `errc::not_a_pipe` (a pipe of
  ///   the other mode), or `errc::pipe_busy` (the backlog is full)
  caf::expected<simulated_client_ptr> connect(const std::string& pipe_name,
                                              pipe_mode mode = pipe_mode::message,
                                              peer_identity who = {});

  /// Sets what clients learn as the identity of servers that they connect to from now on. At
  /// first it is that of this process.
  void identify_servers(peer_identity who);

  std::chrono::steady_clock::time_point now() const;

  /// Moves the virtual clock on.
  void advance(std::chrono::steady_clock::duration by);

private:
  friend class port::simulated_port;

  std::shared_ptr<port::simulated_state> state_;
};

/// Returns what makes one port of `network` per call: for `context_options::make_port`.
PIPEACTOR_EXPORT port_factory simulated_ports(std::shared_ptr<simulated_network> network);

} // namespace pipeactor
