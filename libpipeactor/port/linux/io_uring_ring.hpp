#pragma once

// The submission and completion rings of io_uring(7), as the io_uring port uses them: set up,
// probed, and waited on. Knows nothing of pipes.

#include "pipeactor/defaults.hpp"
#include "port/completion_port.hpp"

#include <liburing.h>

namespace pipeactor::port {

/// Owns a ring. Belongs to the thread that made it.
///
/// No call returns an error. A temporary one (EINTR, EAGAIN, EBUSY) leaves entries in the ring for
/// the next call: see all_submitted(). Any other is kept: see failure().
class io_uring_ring {
public:
  io_uring_ring() = default;
  io_uring_ring(const io_uring_ring&) = delete;
  io_uring_ring& operator=(const io_uring_ring&) = delete;
  ~io_uring_ring();

  /// Sets the ring up with all that the port relies on (Linux 6.1).
  /// @returns `errc::not_supported` for any failure: a reason to use another port
  caf::error open();

  /// Ends all operations without a completion and gives the ring's memory back. Nothing else may
  /// be called then. Idempotent.
  void close() noexcept;

  bool is_open() const noexcept {
    return open_;
  }

  /// Returns the `errno` of io_uring_enter(2) after which the ring is of no use, or 0.
  int failure() const noexcept {
    return failure_;
  }

  /// Returns a cleared submission entry; submits first if the ring is full. nullptr if the kernel
  /// takes none for now: the next turn tries again.
  io_uring_sqe* next_entry() noexcept;

  /// Returns whether the kernel has taken every entry.
  bool all_submitted() const noexcept {
    return io_uring_sq_ready(&ring_) == 0;
  }

  /// Submits what was prepared and runs what the kernel has deferred, without waiting.
  void submit() noexcept;

  /// Submits and waits until a completion is there or `deadline` passes.
  void submit_and_wait(time_point deadline) noexcept;

  bool has_completions() const noexcept {
    return io_uring_cq_ready(&ring_) > 0;
  }

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
    // The tail as it is now: completions that come meanwhile wait for the next turn.
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
  bool note(int result) noexcept;

  io_uring ring_{};
  int failure_ = 0;
  /// The kernel took no entries in this turn.
  bool stalled_ = false;
  bool open_ = false;
};

} // namespace pipeactor::port
