#pragma once

#include "dialect.hpp"
#include "ring.hpp"
#include "sockets.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pipebench {

/// Where a connection leads, and its role there.
struct endpoint {
  std::string path;
  role as = role::echo_client;
};

/// What went wrong in a run; any of it makes its figures worthless.
struct faults {
  uint64_t out_of_order = 0;
  uint64_t damaged = 0;
  uint64_t not_sent = 0;
  uint64_t connections_lost = 0;
};

/// Moves numbered messages of one length over many connections, on one thread, with few
/// system calls. The workload decides when to send, and what a message that arrives means.
class mover {
public:
  class workload {
  public:
    virtual ~workload() = default;

    /// Called for each message that arrives. `sequence` is its number among those that its
    /// sender, this connection or the publisher, has sent.
    virtual void received(size_t connection, uint64_t sequence, uint64_t now) = 0;

    /// Called once a turn.
    virtual void turn(uint64_t now) = 0;
  };

  struct config {
    dialect speaks = dialect::packets;
    size_t message_size = 64;
    size_t in_flight = 1;
    /// Poll instead of sleeping, so that the server does not pay for waking the load.
    bool poll = false;
  };

  /// Connects to all endpoints. @throws std::system_error, std::runtime_error
  mover(config cfg, const std::vector<endpoint>& endpoints);

  /// Sends one more message on the connection as soon as there is room for it.
  void owe(size_t connection);

  /// Notes that a message of this connection has left the socket: its room is free.
  void settle(size_t connection) {
    ++connections_[connection].settled;
  }

  /// Runs one turn: submits, waits, and passes what arrived to `work`.
  void turn(workload& work);

  const faults& seen_faults() const noexcept {
    return faults_;
  }

private:
  struct connection {
    descriptor socket;
    /// Precedes each message that arrives.
    std::string prefix;
    size_t send_buffer = 0;
    uint64_t owed = 0;
    uint64_t sent = 0;
    uint64_t settled = 0;
    uint64_t received = 0;
    bool sending = false;
    bool lost = false;
    /// Of a stream's message that has partly arrived: how many bytes, and the first of them.
    size_t have = 0;
    std::string head;
    /// The message that found no room and is sent when there is some.
    std::string waiting;
  };

  enum class operation : uint32_t { receive, send, waiting_send, tick };

  static uint64_t tag(operation op, size_t connection) noexcept {
    return (static_cast<uint64_t>(op) << 32) | connection;
  }

  void arm(size_t index);
  void arm_tick();
  void pump(size_t index);
  bool has_room(const connection& c) const noexcept;
  void stamp(char* frame, uint64_t sequence) const noexcept;
  void send_at_once(size_t index);
  void send_waiting(size_t index);
  void complete(const io_uring_cqe& entry, workload& work, uint64_t now);
  void complete_receive(size_t index, const io_uring_cqe& entry, workload& work, uint64_t now);
  void take_packet(size_t index, std::string_view data, workload& work, uint64_t now);
  void take_stream(size_t index, std::string_view data, workload& work, uint64_t now);
  void take_message(size_t index, std::string_view head, workload& work, uint64_t now);
  void lose(connection& c);

  config cfg_;
  ring ring_;
  std::vector<connection> connections_;
  std::string pattern_;
  /// Precedes each message that is sent, and the whole frame but for its number. One for all: the
  /// connections that send have the same role.
  std::string prefix_;
  std::string frame_;
  /// Copies of the frame for sends that do not wait; free again after the next submission.
  std::vector<std::string> pool_;
  size_t pool_used_ = 0;
  uint64_t pool_submission_ = 0;
  __kernel_timespec tick_{0, 50'000'000};
  faults faults_;
};

} // namespace pipebench
