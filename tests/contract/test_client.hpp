#pragma once

// The client at the far end of a pipe: none of ours, and the same for every port.

#include "pipeactor/messages.hpp"
#include "pipeactor/simulated_network.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace contract {

using namespace pipeactor;
using namespace std::chrono_literals;

/// How long anything may take: far longer than it does, even under a sanitizer on a busy machine. A
/// wait ends as soon as the awaited thing happens.
constexpr auto patience = 30s;

using wait_time = std::chrono::milliseconds;

enum class send_result : uint8_t { sent, would_block, closed };

/// A client of the system under test, which does not use the library. Any thread, but one call at a
/// time. Functions without a timeout do not wait.
class test_client {
public:
  virtual ~test_client() = default;

  /// Sends a message; in byte mode perhaps a part. `taken` is set to the bytes sent.
  virtual send_result try_send(std::string_view bytes, size_t& taken) = 0;

  /// Waits until there may be room for `size` bytes, or the server is gone.
  virtual bool wait_writable(size_t size, wait_time timeout) = 0;

  /// Waits until there is something to read, or the end.
  virtual bool wait_readable(wait_time timeout) = 0;

  /// Returns a message, in byte mode all bytes that are there; nothing at the end, or if nothing
  /// came in time.
  virtual std::optional<std::string> receive(wait_time timeout = patience) = 0;

  /// Waits until there is something to read. Returns whether that is the end: the server closed the
  /// pipe, and everything that it wrote was read.
  virtual bool at_end(wait_time timeout = patience) = 0;

  /// Returns whether the server was seen to close without reading all input.
  virtual bool was_reset() = 0;

  /// Ends writing; reading goes on. For cases with `needs::half_close`.
  virtual void shutdown_write() = 0;

  /// Closes, after reading all that is there.
  virtual void close() = 0;

  /// Closes with something unread: waits until there is.
  virtual void abort() = 0;

  // -- on top of these ------------------------------------------------------------------------

  /// Sends all bytes, and waits for room if necessary.
  bool send(std::string_view bytes);

  /// Returns `count` messages, or fewer if they do not come in time.
  std::vector<std::string> receive_many(size_t count);

  /// Byte mode: reads `size` bytes.
  std::string receive_bytes(size_t size);

  /// Reads to the end and returns what came.
  std::vector<std::string> receive_all();
};

using client_ptr = std::shared_ptr<test_client>;

/// Connects to `address` (server_ready) as any program of this system would. Waits while the server
/// is busy.
/// @returns nullptr if that fails
client_ptr connect_to(const std::string& address, pipe_mode mode);

/// @copydoc connect_to
client_ptr connect_over_network(simulated_network& network, const std::string& pipe_name,
                                pipe_mode mode, peer_identity who);

/// Returns the ports of this system: the one list that all cases go through.
std::vector<port_kind> ports_of_this_system();

/// Returns the number of handles that this process has open, if the system reports it.
size_t open_handles();

/// How many more there may be without a leak. On Windows a few may come: the runtime library makes
/// one when a lock first lets a thread wait. A case makes more of them if something leaks.
extern const size_t handles_that_come;

/// Returns whether the system is Wine, which lacks some of what Windows has.
bool runs_under_wine();

} // namespace contract
