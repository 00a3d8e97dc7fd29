#pragma once

// A network of pipes in memory, for tests of programs that use pipeactor. It makes no system calls,
// has a seed and a clock of its own, and offers test clients that stand for foreign programs.
//
//   auto network = std::make_shared<simulated_network>(seed);
//   context_options options;
//   options.make_port = simulated_ports(network);
//   options.run_threads = false;
//
// A run on one thread with the virtual clock depends on the seed alone, so that a failed run can be
// repeated.

#include "pipeactor/export.hpp"
#include "pipeactor/fwd.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/peer_identity.hpp"
#include "pipeactor/simulated_options.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pipeactor {

// -- test clients -----------------------------------------------------------------------------

/// The result of simulated_client::send.
enum class simulated_send : uint8_t {
  sent,
  /// The connection is full: nothing was taken.
  would_block,
  /// Longer than `simulated_options::largest_message`: nothing was taken.
  too_large,
  /// The server closed the connection, or this client ended its writing: nothing was taken.
  closed,
};

/// The far end of a connection: a client that does not use pipeactor. Only the functions that
/// begin with `wait_` block. Any thread, but one call at a time.
class PIPEACTOR_EXPORT simulated_client {
public:
  /// The same as close().
  ~simulated_client();

  simulated_client(const simulated_client&) = delete;
  simulated_client& operator=(const simulated_client&) = delete;

  /// Writes a message, or in byte mode bytes: all of them or none.
  simulated_send send(std::string_view bytes);

  /// Returns the next message, in byte mode all bytes that are there; nothing if there are none.
  std::optional<std::string> receive();

  /// Waits until there is something to receive or the server has closed the connection. Real
  /// time only.
  /// @returns false if `deadline` came first
  bool wait_readable(std::chrono::steady_clock::time_point deadline) const;

  /// Waits until `size` bytes can be sent or the server has closed the connection. Real time only.
  /// @returns false if `deadline` came first
  bool wait_writable(size_t size, std::chrono::steady_clock::time_point deadline) const;

  /// Returns whether the server has closed the connection and all that it wrote was received.
  bool at_end() const;

  /// Returns whether the server closed the connection without reading all that this client sent.
  /// What the server wrote before can still be received.
  bool was_reset() const;

  /// Ends writing. What was sent still arrives, and this client can go on receiving.
  void shutdown_write();

  /// Closes the connection. The server sees an orderly end, even if something was not received
  /// here. Idempotent.
  void close();

  /// Closes the connection. The server sees a reset (`errc::peer_reset`), as if something was not
  /// received here, and can still read what this client sent. Idempotent.
  void abort();

private:
  friend class simulated_network;

  simulated_client(std::shared_ptr<port::simulated_state> state,
                   std::unique_ptr<port::simulated_end> end);

  bool can_send(size_t size) const;
  void leave(bool reset);

  std::shared_ptr<port::simulated_state> state_;
  std::unique_ptr<port::simulated_end> end_;
};

using simulated_client_ptr = std::shared_ptr<simulated_client>;

// -- the network ------------------------------------------------------------------------------

/// Returns a function that makes one port of `network` with each call: the value of
/// `context_options::make_port`. It never fails, and keeps the network alive.
PIPEACTOR_EXPORT port_factory simulated_ports(std::shared_ptr<simulated_network> network);

/// The pipe names, the connections and the clock that the ports of simulated_ports() share. Any
/// thread. Its clients and ports may outlive it.
class PIPEACTOR_EXPORT simulated_network {
public:
  /// Makes a network with default options.
  explicit simulated_network(uint64_t seed);
  explicit simulated_network(const simulated_options& options);

  /// Connects a test client. Never waits.
  /// @param who what the server learns as the identity of its peer
  /// @returns the client, or `errc::missing_pipe_name`, `errc::no_such_pipe`, `errc::not_a_pipe`
  ///   (a pipe of the other mode) or `errc::pipe_busy` (the backlog is full)
  caf::expected<simulated_client_ptr> connect(const std::string& pipe_name,
                                              pipe_mode mode = pipe_mode::message,
                                              peer_identity who = {});

  /// Sets the identity of servers that later connections see. At first it is that of this process.
  void identify_servers(peer_identity who);

  /// Changes what goes wrong from the next turn of each port on.
  void set_faults(const simulated_faults& faults);

  /// Returns the time of the network's clock.
  std::chrono::steady_clock::time_point now() const;

  /// Moves the virtual clock forward.
  /// @param by not negative
  void advance(std::chrono::steady_clock::duration by);

private:
  friend port_factory simulated_ports(std::shared_ptr<simulated_network> network);

  std::shared_ptr<port::simulated_state> state_;
};

} // namespace pipeactor
