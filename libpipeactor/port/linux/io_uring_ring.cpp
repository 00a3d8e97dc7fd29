#include "port/linux/io_uring_ring.hpp"

#include "pipeactor/error.hpp"
#include "port/linux/unix_error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pipeactor::port {

io_uring_ring::~io_uring_ring() {
  if (open_)
    io_uring_queue_exit(&ring_);
}

caf::error io_uring_ring::open() {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN
                 | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL
                 | IORING_SETUP_CLAMP;
  params.cq_entries = defaults::io_uring_completion_entries;
  auto result = io_uring_queue_init_params(defaults::io_uring_submission_entries, &ring_, &params);
  if (result < 0)
    return make_error(errc::not_supported,
                      "io_uring is refused here (by a container, kernel.io_uring_disabled, "
                      "RLIMIT_MEMLOCK or an old kernel): use port auto or epoll",
                      -result);
  open_ = true;
  constexpr auto features = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;
  if ((params.features & features) != features)
    return make_error(errc::not_supported,
                      "this kernel's io_uring is too old: use port auto or epoll");
  // Saves a look-up of the descriptor in every system call; works without, too.
  io_uring_register_ring_fd(&ring_);
  return caf::none;
}

io_uring_sqe* io_uring_ring::next_entry() noexcept {
  auto* entry = io_uring_get_sqe(&ring_);
  while (entry == nullptr) {
    io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void io_uring_ring::submit() noexcept {
  if (io_uring_sq_ready(&ring_) > 0 || (flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0)
    io_uring_submit_and_get_events(&ring_);
}

bool io_uring_ring::flush_overflow() noexcept {
  if (!has_overflow())
    return false;
  io_uring_get_events(&ring_);
  return true;
}

void io_uring_ring::submit_and_wait(time_point deadline) noexcept {
  if (io_uring_cq_ready(&ring_) > 0) {
    submit();
    return;
  }
  io_uring_cqe* entry = nullptr;
  if (deadline == time_point::max()) {
    io_uring_submit_and_wait_timeout(&ring_, &entry, 1, nullptr, nullptr);
    return;
  }
  auto left = std::max(deadline - clock::now(), clock::duration::zero());
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds);
  __kernel_timespec timeout{seconds.count(), rest.count()};
  io_uring_submit_and_wait_timeout(&ring_, &entry, 1, &timeout, nullptr);
}

bool io_uring_ring::has_work() const noexcept {
  return io_uring_cq_ready(&ring_) > 0
         || (flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

unsigned io_uring_ring::flags() const noexcept {
  return __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
}

} // namespace pipeactor::port
