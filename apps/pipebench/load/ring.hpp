#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace pipebench {

/// An io_uring with a ring of provided buffers, for one thread.
class ring {
public:
  /// @throws std::system_error
  ring(size_t buffer_count, size_t buffer_size);
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring();

  /// Returns a cleared entry; submits first if the ring is full.
  io_uring_sqe* next_entry();

  /// Returns how often entries were submitted. Sends that do not wait have copied their data when
  /// this changes.
  uint64_t submissions() const noexcept {
    return submissions_;
  }

  void submit();

  /// Submits and waits for a completion; with `poll` it does not wait, and may find none.
  void turn(bool poll);

  const char* buffer(unsigned id) const noexcept {
    return buffers_.get() + stride_ * id;
  }

  /// Calls `f(cqe)` for each completion, then returns the buffers that came with them.
  template <class F>
  void for_each_completion(F f) {
    io_uring_cqe* entry = nullptr;
    unsigned head = 0;
    unsigned seen = 0;
    int returned = 0;
    io_uring_for_each_cqe(&ring_, head, entry) {
      ++seen;
      f(*entry);
      if ((entry->flags & IORING_CQE_F_BUFFER) != 0)
        add_buffer(entry->flags >> IORING_CQE_BUFFER_SHIFT, returned++);
    }
    io_uring_buf_ring_advance(buffer_ring_.get(), returned);
    io_uring_cq_advance(&ring_, seen);
  }

private:
  struct unmap {
    size_t size;
    void operator()(void* memory) const noexcept;
  };

  static void check(int result, const char* what);
  void add_buffer(unsigned id, int offset) noexcept;

  io_uring ring_{};
  unsigned buffer_count_;
  size_t buffer_size_;
  size_t stride_;
  std::unique_ptr<char, unmap> buffers_;
  std::unique_ptr<io_uring_buf_ring, unmap> buffer_ring_;
  uint64_t submissions_ = 0;
};

} // namespace pipebench
