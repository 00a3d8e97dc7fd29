#include "port/linux/io_uring_ring.hpp"

#include "pipeactor/error.hpp"
#include "port/linux/fork_guard.hpp"
#include "port/linux/unix_error.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

namespace pipeactor::port {

namespace {

/// How long others get the core while the kernel has no memory for requests.
constexpr std::chrono::milliseconds stalled_pause{1};

} // namespace

io_uring_ring::~io_uring_ring() {
  close();
}

void io_uring_ring::close() noexcept {
  if (!std::exchange(open_, false))
    return;
  keep_in_children(ring_.ring_fd);
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
  // A forked child that has the ring, or its memory, would keep all that is under way alive.
  close_in_children(ring_.ring_fd);
  io_uring_ring_dontfork(&ring_);
  constexpr auto features = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;
  if ((params.features & features) != features)
    return make_error(errc::not_supported,
                      "this kernel's io_uring is too old: use port auto or epoll");
  // Saves a look-up of the descriptor in every system call. If it is refused, liburing goes on
  // with the descriptor.
  io_uring_register_ring_fd(&ring_);
  return caf::none;
}

io_uring_sqe* io_uring_ring::next_entry() noexcept {
  auto* entry = io_uring_get_sqe(&ring_);
  // Once in a turn: a kernel without memory would make each pipe wait.
  if (entry == nullptr && !stalled_ && note(io_uring_submit(&ring_)))
    entry = io_uring_get_sqe(&ring_);
  return entry;
}

void io_uring_ring::submit() noexcept {
  stalled_ = false;
  if (io_uring_sq_ready(&ring_) > 0 || (flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0)
    note(io_uring_submit_and_get_events(&ring_));
  if (stalled_ && !has_completions())
    std::this_thread::sleep_for(stalled_pause);
}

bool io_uring_ring::flush_overflow() noexcept {
  return has_overflow() && note(io_uring_get_events(&ring_));
}

void io_uring_ring::submit_and_wait(time_point deadline) noexcept {
  if (has_completions()) {
    submit();
    return;
  }
  io_uring_cqe* entry = nullptr;
  if (deadline == time_point::max()) {
    note(io_uring_submit_and_wait_timeout(&ring_, &entry, 1, nullptr, nullptr));
    return;
  }
  auto left = std::max(deadline - clock::now(), clock::duration::zero());
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds);
  __kernel_timespec timeout{seconds.count(), rest.count()};
  note(io_uring_submit_and_wait_timeout(&ring_, &entry, 1, &timeout, nullptr));
}

/// Looks at what a call of io_uring_enter(2) returned.
/// @returns whether it did something
bool io_uring_ring::note(int result) noexcept {
  switch (-result) {
  case EINTR: // a signal came
  case ETIME: // the deadline passed
    return false;
  case EAGAIN: // the kernel has no memory for requests
  case EBUSY:  // completions must be taken first
    stalled_ = true;
    return false;
  default:
    if (result < 0)
      failure_ = -result;
    return result >= 0;
  }
}

unsigned io_uring_ring::flags() const noexcept {
  return __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
}

} // namespace pipeactor::port
