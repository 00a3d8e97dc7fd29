#pragma once

// The submission and completion rings of io_uring(7), as the io_uring port uses them:
// set up, probed, and waited on. Knows nothing of pipes.

#include "pipeactor/defaults.hpp"
#include "port/completion_port.hpp"

#include <liburing.h>

namespace pipeactor::port {

/// Owns a ring. Belongs to the thread that made it.
class io_uring_ring {
public:
  io_uring_ring() = default;
  io_uring_ring(const io_uring_ring&) = delete;
  io_uring_ring& operator=(const io_uring_ring&) = delete;
  ~io_uring_ring();

  /// Sets the ring up with all that the port relies on (Linux 6.1). Any failure is a reason
  /// to use another port.
  caf::error open();

  /// Returns a cleared submission entry; submits first where the ring is full.
  io_uring_sqe* next_entry() noexcept;

  /// Submits what was prepared and runs what the kernel has deferred, without waiting.
  void submit() noexcept;

  /// Submits and waits until a completion is there or `deadline` passes.
  void submit_and_wait(time_point deadline) noexcept;

  /// Returns whether completions are there, or the kernel could make some. No system call.
  bool has_work() const noexcept;

  /// Returns whether the kernel holds completions that found the ring full.
  bool has_overflow() const noexcept {
    return (flags() & IORING_SQ_CQ_OVERFLOW) != 0;
  }

  /// Fetches completions that found the ring full.
  /// @returns whether there were any
  bool flush_overflow() noexcept;

  /// Calls `f` for each completion that is there now.
  template <class F>
  void for_each_completion(F f) {
    // The tail as it is now: what comes meanwhile waits for the next turn.
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(&ring_, head, entry) {
      ++seen;
      f(*entry);
    }
    io_uring_cq_advance(&ring_, seen);
  }

  /// Calls `f` for each completion that is there now, and leaves it there.
  template <class F>
  void for_each_unseen(F f) {
    unsigned head = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(&ring_, head, entry) {
      f(*entry);
    }
  }

  io_uring* native() noexcept {
    return &ring_;
  }

private:
  unsigned flags() const noexcept;

  io_uring ring_{};
  bool open_ = false;
};

} // namespace pipeactor::port
