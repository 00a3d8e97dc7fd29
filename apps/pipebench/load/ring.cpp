#include "ring.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace pipebench {

namespace {

constexpr unsigned submission_entries = 1024;
constexpr unsigned completion_entries = 16384;

void* map(size_t size) {
  auto* result = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (result == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "mmap");
  return result;
}

} // namespace

void ring::unmap::operator()(void* memory) const noexcept {
  munmap(memory, size);
}

void ring::check(int result, const char* what) {
  if (result < 0)
    throw std::system_error(-result, std::generic_category(), what);
}

ring::ring(size_t buffer_count, size_t buffer_size)
    : buffer_count_(static_cast<unsigned>(buffer_count)), buffer_size_(buffer_size),
      // An odd number of cache lines, so that buffers do not meet in the same cache sets.
      stride_(((buffer_size + 63) / 64 | 1) * 64) {
  io_uring_params params{};
  params.flags = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_CQSIZE
                 | IORING_SETUP_SUBMIT_ALL;
  params.cq_entries = completion_entries;
  check(io_uring_queue_init_params(submission_entries, &ring_, &params), "io_uring_setup");
  io_uring_register_ring_fd(&ring_);
  auto size = buffer_count * stride_;
  buffers_ = {static_cast<char*>(map(size)), unmap{size}};
  size = buffer_count * sizeof(io_uring_buf);
  buffer_ring_ = {static_cast<io_uring_buf_ring*>(map(size)), unmap{size}};
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(buffer_ring_.get());
  registration.ring_entries = buffer_count_;
  check(io_uring_register_buf_ring(&ring_, &registration, 0), "io_uring_register_buf_ring");
  io_uring_buf_ring_init(buffer_ring_.get());
  for (unsigned id = 0; id < buffer_count_; ++id)
    add_buffer(id, static_cast<int>(id));
  io_uring_buf_ring_advance(buffer_ring_.get(), static_cast<int>(buffer_count_));
}

ring::~ring() {
  io_uring_queue_exit(&ring_);
}

void ring::add_buffer(unsigned id, int offset) noexcept {
  io_uring_buf_ring_add(buffer_ring_.get(), buffers_.get() + stride_ * id,
                        static_cast<unsigned>(buffer_size_), static_cast<uint16_t>(id),
                        static_cast<int>(buffer_count_ - 1), offset);
}

io_uring_sqe* ring::next_entry() {
  auto* entry = io_uring_get_sqe(&ring_);
  while (entry == nullptr) {
    submit();
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void ring::submit() {
  auto result = io_uring_submit(&ring_);
  if (result != -EBUSY)
    check(result, "io_uring_submit");
  ++submissions_;
}

void ring::turn(bool poll) {
  auto result = poll ? io_uring_submit_and_get_events(&ring_) : io_uring_submit_and_wait(&ring_, 1);
  if (result != -EBUSY && result != -EINTR)
    check(result, "io_uring_enter");
  ++submissions_;
}

} // namespace pipebench
