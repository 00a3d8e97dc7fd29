#pragma once

// What simulated ports, networks and test clients share. Internal to these.

#include "port/simulated/simulated_port.hpp"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <map>

namespace pipeactor::port {

// -- connections ------------------------------------------------------------------------------

/// Both directions of a connection.
struct simulated_link {
  /// What was written to one end and not read there yet.
  struct channel {
    bool empty() const noexcept {
      return pieces.empty();
    }

    void push(pipe_mode mode, std::string_view data);
    std::string pop(pipe_mode mode, size_t limit);
    void clear();

    /// Messages; in byte mode one string of all bytes.
    std::deque<std::string> pieces;
    size_t bytes = 0;
    /// The writer will write no more.
    bool ended = false;
    /// The writer closed without reading all input.
    bool reset = false;
    bool reader_gone = false;
  };

  pipe_mode mode = pipe_mode::message;
  /// By the end that reads it: 0 connected, 1 was accepted.
  channel towards[2];
  peer_identity who[2];
};

/// One end of a connection: of a test client, of a pipe of a port, or still free.
struct simulated_end {
  simulated_link::channel& in() const noexcept {
    return link->towards[side];
  }

  simulated_link::channel& out() const noexcept {
    return link->towards[1 - side];
  }

  const peer_identity& peer() const noexcept {
    return link->who[1 - side];
  }

  /// Input is thrown away in any case; `reset` says whether the peer notices.
  void close(bool reset) const {
    if (in().reader_gone)
      return;
    in().clear();
    in().reader_gone = true;
    out().ended = true;
    out().reset = reset;
  }

  std::shared_ptr<simulated_link> link;
  size_t side = 0;
};

// -- the network ------------------------------------------------------------------------------

struct simulated_listener {
  bool ready() const noexcept {
    return stopped || !backlog.empty();
  }

  listener_id id = 0;
  listen_request request;
  std::deque<simulated_end> backlog;
  bool stopped = false;
};

/// The mutex guards all but the options, and all that ports keep.
struct simulated_state {
  explicit simulated_state(const simulated_options& options)
      : options(options), servers(this_process()) {}

  time_point now() const {
    if (options.clock == simulated_clock::real_time)
      return clock::now();
    std::lock_guard guard{mutex};
    return virtual_now;
  }

  bool any_port_ready() const {
    return std::any_of(ports.begin(), ports.end(), [](auto* port) { return port->ready(); });
  }

  /// How many bytes of a write can be taken now, or none.
  std::optional<size_t> room(const simulated_end& end, size_t size) const {
    auto& to = end.out();
    if (end.link->mode == pipe_mode::byte) {
      if (to.bytes >= options.pipe_capacity_bytes)
        return std::nullopt;
      return std::min(size, options.pipe_capacity_bytes - to.bytes);
    }
    if (to.empty()
        || (to.pieces.size() < options.pipe_capacity_messages
            && to.bytes + size <= options.pipe_capacity_bytes))
      return size;
    return std::nullopt;
  }

  caf::expected<simulated_end> connect(const std::string& name, pipe_mode mode, peer_identity who);

  /// Returns the names that match, sorted.
  std::vector<std::string> find(const std::string& pattern) const;

  const simulated_options options;
  mutable std::mutex mutex;
  /// Something may be ready somewhere (real time only).
  std::condition_variable changed;
  /// Not zero: a time point that nobody set lies in the past.
  time_point virtual_now{std::chrono::hours{1}};
  std::map<std::string, std::shared_ptr<simulated_listener>> names;
  /// The identity of servers.
  peer_identity servers;
  std::vector<const simulated_port*> ports;
  uint64_t ports_made = 0;
  native_handle_type next_handle = 0;
};

// -- what was not adopted yet -----------------------------------------------------------------

/// Dropped without being adopted it closes as a descriptor does: unread input resets.
class simulated_raw final : public raw_pipe {
public:
  simulated_raw(std::shared_ptr<simulated_state> state, simulated_end end)
      : state_(std::move(state)), end_(std::move(end)) {}

  ~simulated_raw() override {
    if (end_.link == nullptr)
      return;
    std::lock_guard guard{state_->mutex};
    end_.close(!end_.in().empty());
    state_->changed.notify_all();
  }

  peer_identity peer() const override {
    return end_.peer();
  }

  simulated_end release([[maybe_unused]] const simulated_state& state) {
    assert(&state == state_.get() && "a raw pipe of another network");
    return std::move(end_);
  }

private:
  std::shared_ptr<simulated_state> state_;
  simulated_end end_;
};

} // namespace pipeactor::port
