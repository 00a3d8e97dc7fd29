#pragma once

// The submission and completion rings of io_uring(7), as the io_uring port uses them:
// set up, probed, and waited on. Knows nothing of pipes.

#include "pipeactor/defaults.hpp"
#include "pipeactor/port/buffer_pool.hpp"
#include "pipeactor/port/completion_port.hpp"

#include <liburing.h>

#include <algorithm>
#include <memory>

namespace pipeactor::port {

/// Owns a ring. Belongs to the thread that made it.
class uring {
public:
  uring() = default;
  uring(const uring&) = delete;
  uring& operator=(const uring&) = delete;
  ~uring();

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

/// A ring of provided buffers: the kernel takes one for each message that it receives.
/// Few are provided at a time, so that few pages stay hot: the number doubles when they run out,
/// and is the smaller the longer the messages are.
class uring_buffers {
public:
  /// @param group number of the ring, one for each receive limit
  static caf::expected<std::unique_ptr<uring_buffers>> make(uring& ring, uint16_t group,
                                                            size_t buffer_size);
  ~uring_buffers();

  uint16_t group() const noexcept {
    return group_;
  }

  /// Makes a payload of a buffer that the kernel filled.
  payload take(uint16_t index, size_t size, detail::payload_account* account) {
    --provided_;
    longest_ = std::max(longest_, size);
    return pool_.make_payload(index, size, account);
  }

  /// Gives back a buffer that the kernel took for nothing.
  void put_back(uint16_t index) noexcept {
    --provided_;
    pool_.release(index);
  }

  /// Provides buffers up to the number that is kept ready.
  void refill() noexcept;

  /// The kernel ran out of buffers: keeps more ready from now on.
  void grow() noexcept;

private:
  uint32_t most_wanted() const noexcept;

  uring_buffers(uring& ring, uint16_t group, size_t buffer_size);

  uring& ring_;
  uint16_t group_;
  buffer_pool pool_;
  io_uring_buf_ring* entries_ = nullptr;
  size_t entries_size_ = 0;
  uint32_t provided_ = 0;
  uint32_t wanted_;
  /// The longest message of late.
  size_t longest_ = 0;
};

} // namespace pipeactor::port
