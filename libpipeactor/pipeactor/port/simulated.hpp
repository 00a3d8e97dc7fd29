#pragma once

// A port in memory, for tests: a network that exists only in this process, test clients
// on it, and a port that keeps the contract of completion_port.hpp with a seed and a
// clock of its own. A run in one thread is decided by the seed alone, so a failing one is
// played again from it.
//
// What a port guarantees stays, what it leaves open the seed chooses: completions of
// different pipes and listeners are mixed, and so are what a pipe reads and what it
// writes; the order of one pipe's reads, and of its writes, stays.

#include "pipeactor/defaults.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/port/completion_port.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace pipeactor::port {

struct simulated_end;
struct simulated_listener;
struct simulated_state;

// -- options ----------------------------------------------------------------------------------

/// What the time of a simulated network is.
enum class simulated_clock : uint8_t {
  /// step() never blocks: when no port of the network has anything to report, the clock
  /// jumps to step()'s deadline; with none it stays and step() returns. For ports that
  /// are stepped by hand; a bridge with a thread would spin on it.
  virtual_time,
  /// The steady clock. step() sleeps. For bridges with threads.
  real_time,
};

struct simulated_options {
  uint64_t seed = 0;
  simulated_clock clock = simulated_clock::virtual_time;
  /// Longest message that can be sent, in bytes.
  size_t largest_message = size_t{4} << 20;
  /// What one direction of a connection holds before writes wait: the first of the two that
  /// is reached. An empty pipe takes a message of any size.
  size_t pipe_capacity_bytes = size_t{208} << 10;
  size_t pipe_capacity_messages = 256;
  /// Byte mode: a port's read returns a part of what is there, as long as the seed says.
  bool split_reads = false;
};

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
  simulated_client(std::shared_ptr<simulated_state> state, std::unique_ptr<simulated_end> end);

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
  bool wait_readable(time_point deadline) const;

  /// Waits until `size` bytes can be sent, or the server is gone (real time only).
  /// @returns whether they can
  bool wait_writable(size_t size, time_point deadline) const;

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

  std::shared_ptr<simulated_state> state_;
  std::unique_ptr<simulated_end> end_;
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

  time_point now() const;

  /// Moves the virtual clock on.
  void advance(clock::duration by);

private:
  friend class simulated_port;

  std::shared_ptr<simulated_state> state_;
};

// -- the port ---------------------------------------------------------------------------------

class PIPEACTOR_EXPORT simulated_port final : public completion_port {
public:
  explicit simulated_port(const std::shared_ptr<simulated_network>& network);
  ~simulated_port() override;

  simulated_port(const simulated_port&) = delete;
  simulated_port& operator=(const simulated_port&) = delete;

  /// Returns what makes one port of `network` per call: for `context_options::make_port`.
  static port_factory factory(std::shared_ptr<simulated_network> network);

  port_kind kind() const noexcept override;
  bool guards_access() const noexcept override {
    return false;
  }
  time_point now() const noexcept override;
  size_t max_message_size() const noexcept override;
  caf::error check_message_size(size_t size) const override;

  caf::expected<listener_id> listen(const listen_request& request) override;
  std::string address(listener_id listener) const override;
  void stop_listening(listener_id listener) override;

  pipe_finder finder() const override;

  caf::expected<raw_pipe_ptr> connect(const std::string& pipe_name, pipe_mode mode) override;
  void adopt(pipe_instance_ptr pipe, raw_pipe_ptr raw) override;
  void start_reading(pipe_instance& pipe) override;
  void pause_reading(pipe_instance& pipe) override;
  void read_one(pipe_instance& pipe) override;
  void write(pipe_instance& pipe, payload data) override;
  void close(pipe_instance& pipe) override;

  void step(time_point deadline, completion_handler& handler) override;
  void wake() noexcept override;

private:
  friend struct simulated_state;

  struct completion;
  struct lane;
  struct pipe_slot;

  pipe_slot* find(const pipe_instance& pipe) const noexcept;

  // -- one turn: with the network's mutex held ------------------------------------------------

  bool ready() const;
  void wait(std::unique_lock<std::mutex>& guard, time_point deadline);
  void collect(std::vector<lane>& batch);
  void collect_listeners(std::vector<lane>& batch);
  void collect_writes(pipe_slot& slot, std::vector<lane>& batch);
  void collect_reads(pipe_slot& slot, std::vector<lane>& batch);
  completion take_read(pipe_slot& slot);

  // -- one turn: without it -------------------------------------------------------------------

  void report(std::vector<lane>& batch, completion_handler& handler);
  void report_pipe(pipe_slot& slot, completion& what, completion_handler& handler);
  void finish(pipe_slot& slot, completion_handler& handler);

  size_t pick(size_t count);

  std::shared_ptr<simulated_state> state_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<pipe_slot>> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<std::shared_ptr<simulated_listener>> listeners_;
  listener_id next_listener_ = 1;
  bool woken_ = false;
  bool stepping_ = false;
};

} // namespace pipeactor::port
