#pragma once

#include "dialect.hpp"
#include "ring.hpp"
#include "sockets.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pipebench {

/// Nanoseconds of the monotonic clock.
uint64_t now_ns() noexcept;

/// Where a connection leads, and as what.
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
/// system calls. What is sent when, and what an arrival means, is the workload's.
class mover {
public:
  class workload {
  public:
    virtual ~workload() = default;

    /// The message number `sequence` arrived, of this connection's or of the publisher's.
    virtual void received(size_t connection, uint64_t sequence, uint64_t now) = 0;

    /// Called once a turn.
    virtual void turn(uint64_t now) = 0;
  };

  struct config {
    dialect speaks = dialect::packets;
    size_t message_size = 64;
    size_t in_flight = 1;
    /// Poll, never sleep: the server does not pay for waking the load then.
    bool poll = false;
  };

  /// Connects to all endpoints. @throws std::system_error, std::runtime_error
  mover(config cfg, const std::vector<endpoint>& endpoints);

  /// Sends one more message on the connection as soon as there is room for it.
  void owe(size_t connection);

  /// A message of this connection's is out of the socket: its room is free.
  void settle(size_t connection) {
    ++connections_[connection].settled;
  }

  /// One turn: submits, waits, and tells `work` what came.
  void turn(workload& work);

  const faults& seen_faults() const noexcept {
    return faults_;
  }

private:
  struct connection {
    descriptor socket;
    /// Stands before each message that comes in.
    std::string prefix;
    size_t send_buffer = 0;
    uint64_t owed = 0;
    uint64_t sent = 0;
    uint64_t settled = 0;
    uint64_t received = 0;
    bool sending = false;
    bool lost = false;
    /// Bytes of the message that is coming in, of a stream, and its first ones.
    size_t have = 0;
    std::string head;
    /// The message on its way for which there was no room at once.
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
  /// What every message looks like on its way out, but for its number: the connections that
  /// send are of one role.
  std::string prefix_;
  std::string frame_;
  /// Copies of it for sends that do not wait: free again with the next submission.
  std::vector<std::string> pool_;
  size_t pool_used_ = 0;
  uint64_t pool_submission_ = 0;
  __kernel_timespec tick_{0, 50'000'000};
  faults faults_;
};

} // namespace pipebench
