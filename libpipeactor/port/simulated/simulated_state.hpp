#pragma once

// The state that the ports and test clients of one simulated network share.

#include "pipeactor/simulated_options.hpp"
#include "port/completion_port.hpp"
#include "port/simulated/simulated_link.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pipeactor::port {

/// A port as its network sees it.
class simulated_member {
public:
  /// Returns whether it has anything to report. With the network's mutex held.
  virtual bool ready() = 0;

protected:
  ~simulated_member() = default;
};

/// A name that clients can connect to, and the clients that were not accepted yet.
struct simulated_backlog {
  pipe_mode mode = pipe_mode::message;
  size_t limit = 0;
  std::deque<simulated_end> waiting;
};

/// The mutex guards everything except the options, and also the slots and listeners of the ports.
struct simulated_state {
  explicit simulated_state(const simulated_options& options);

  // -- without the mutex ----------------------------------------------------------------------

  /// Returns the time of the network's clock.
  time_point now() const;

  caf::expected<simulated_end> connect(const std::string& name, pipe_mode mode, peer_identity who);

  /// Returns the names that match, sorted.
  std::vector<std::string> find(const std::string& pattern) const;

  // -- with the mutex held --------------------------------------------------------------------

  /// Returns the time of the network's clock.
  time_point now_locked() const;

  /// Returns whether a port of this network has anything to report.
  bool any_port_ready() const;

  /// Returns how many of `size` bytes can be written now; none if there is no room. An empty
  /// direction has room for a message of any size.
  std::optional<size_t> room(const simulated_end& end, size_t size) const;

  const simulated_options options;
  mutable std::mutex mutex;
  /// Something may be ready somewhere (real time only).
  std::condition_variable changed;
  time_point virtual_now;
  simulated_faults faults;
  std::map<std::string, std::shared_ptr<simulated_backlog>> names;
  /// The identity of servers.
  peer_identity servers;
  std::vector<simulated_member*> ports;
  uint64_t ports_made = 0;
  native_handle_type next_handle = 0;
};

/// A connection that no port has adopted. Its destructor closes it as a system closes a
/// descriptor: unread input resets.
class simulated_pipe final : public raw_pipe {
public:
  simulated_pipe(std::shared_ptr<simulated_state> state, simulated_end end);
  ~simulated_pipe() override;

  peer_identity peer() const override;

  /// Takes the end out.
  /// @param state the network of the port that adopts it, which must be the same
  simulated_end release(const simulated_state& state);

private:
  std::shared_ptr<simulated_state> state_;
  simulated_end end_;
};

} // namespace pipeactor::port
