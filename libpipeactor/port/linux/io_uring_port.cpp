#include "port/linux/io_uring_port.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>

namespace pipeactor::port {

// -- life -------------------------------------------------------------------------------------

caf::expected<std::unique_ptr<completion_port>>
io_uring_port::make(std::chrono::microseconds spin) {
  // Blocking: the ring's read of it has to wait.
  unique_fd event{eventfd(0, EFD_CLOEXEC)};
  if (!event)
    return unix_error(errno, "cannot make an eventfd");
  std::unique_ptr<io_uring_port> result{new io_uring_port(std::move(event), spin)};
  if (auto err = result->open())
    return err;
  return std::unique_ptr<completion_port>{std::move(result)};
}

io_uring_port::io_uring_port(unique_fd event, std::chrono::microseconds spin)
    : unix_port(std::move(event), spin) {}

caf::error io_uring_port::open() {
  if (auto err = ring_.open())
    return err;
  // Made here rather than for the first pipe, so that a system that refuses it (memlock)
  // is found out in time for another port.
  auto buffers = buffers_for(defaults::message_buffer_size);
  return buffers ? caf::error{} : buffers.error();
}

port_kind io_uring_port::kind() const noexcept {
  return port_kind::io_uring;
}

caf::expected<io_uring_buffers*> io_uring_port::buffers_for(size_t receive_limit) {
  if (auto known = buffers_.find(receive_limit); known != buffers_.end())
    return known->second.get();
  auto made = io_uring_buffers::make(ring_, static_cast<uint16_t>(buffers_.size() + 1),
                                     receive_limit);
  if (!made)
    return made.error();
  return buffers_.emplace(receive_limit, std::move(*made)).first->second.get();
}

uint64_t io_uring_port::tag_of(operation what, const listener& l) noexcept {
  static_assert(listener_table<listener>::most <= tag_index_mask);
  return uint64_t(what) << tag_operation_shift | l.id;
}

uint64_t io_uring_port::tag_of(operation what, const slot& s, uint16_t position) noexcept {
  assert(s.index <= tag_index_mask);
  return uint64_t(what) << tag_operation_shift | uint64_t{position} << tag_position_shift
         | uint64_t{s.generation} << tag_generation_shift | s.index;
}

// -- listening --------------------------------------------------------------------------------

void io_uring_port::begin_accepting(listener& l) {
  if (l.watched)
    return;
  auto* entry = next_entry();
  if (entry == nullptr)
    return;
  // A poll and not a multishot accept, which takes all clients, whether or not anybody deals with
  // them, and does not report that the socket was shut down.
  io_uring_prep_poll_add(entry, l.socket.socket.get(), POLLIN);
  entry->user_data = tag_of(operation::watch_listener, l);
  l.watched = true;
}

bool io_uring_port::end_accepting(listener& l) {
  if (!l.watched)
    return true;
  if (l.life == life_state::closing && cancel(tag_of(operation::watch_listener, l)))
    l.life = life_state::cancelled;
  return false;
}

void io_uring_port::on_clients(listener& l, int result) {
  l.watched = false;
  if (l.closing())
    return;
  if (result < 0)
    accept_failed(l, -result);
  else if ((result & (POLLHUP | POLLERR)) != 0)
    listener_hung_up(l);
  else
    accept_all(l);
}

// -- a turn -----------------------------------------------------------------------------------

void io_uring_port::begin_turn() {
  if (event_failure_ != 0)
    fail_port(unix_error(event_failure_, "cannot read an eventfd"));
  if (check_ring())
    return;
  // Do not sleep if something was left over: entries that the kernel did not take, and their
  // writes.
  reported_ = !batches_.empty() || !ring_.all_submitted();
  watch_names();
  if (event_armed_)
    return;
  auto* entry = next_entry();
  if (entry == nullptr)
    return;
  io_uring_prep_read(entry, event_.get(), &event_count_, sizeof(event_count_), 0);
  entry->user_data = uint64_t(operation::wake) << tag_operation_shift;
  event_armed_ = true;
}

void io_uring_port::watch_names() {
  if (names_watched_ || names_.fd() < 0)
    return;
  auto* entry = next_entry();
  if (entry == nullptr)
    return;
  io_uring_prep_poll_add(entry, names_.fd(), POLLIN);
  entry->user_data = uint64_t(operation::watch_names) << tag_operation_shift;
  names_watched_ = true;
}

void io_uring_port::serve_slot(slot& s) {
  if (s.closing())
    return serve_closing(s);
  if (s.failure)
    end_reading(s, std::exchange(s.failure, {}));
  if (s.closing())
    return;
  begin_reading(s);
  begin_writing(s);
}

/// @returns a submission entry, or nullptr if there is none in this turn: whoever gets it tries
///   again in the next one, which follows at once
io_uring_sqe* io_uring_port::next_entry() noexcept {
  auto* entry = ring_.next_entry();
  reported_ |= entry == nullptr;
  return entry;
}

/// Cancels an operation.
/// @returns whether there was an entry for it
bool io_uring_port::cancel(uint64_t user_data) noexcept {
  auto* entry = next_entry();
  if (entry == nullptr)
    return false;
  io_uring_prep_cancel64(entry, user_data, 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = uint64_t(operation::ignored) << tag_operation_shift;
  return true;
}

/// Cancels all operations of a descriptor.
/// @returns whether there was an entry for it
bool io_uring_port::cancel_all(int fd) noexcept {
  auto* entry = next_entry();
  if (entry == nullptr)
    return false;
  io_uring_prep_cancel_fd(entry, fd, IORING_ASYNC_CANCEL_ALL);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = uint64_t(operation::ignored) << tag_operation_shift;
  return true;
}

bool io_uring_port::poll() {
  ring_.submit();
  return check_ring() || ring_.has_completions();
}

void io_uring_port::sleep(time_point deadline) {
  ring_.submit_and_wait(deadline);
  check_ring();
}

/// @returns whether the port is beyond repair
bool io_uring_port::check_ring() {
  if (ring_.failure() != 0)
    fail_port(unix_error(ring_.failure(), "the io_uring of a bridge failed"));
  // The kernel must not go on with operations of pipes that are closed from now on.
  if (failed())
    ring_.close();
  return failed();
}

void io_uring_port::dispatch() {
  // First what was sent, so that its buffers are free for what was received. While the kernel
  // holds completions back that found the ring full, nobody knows which sends failed.
  if (!batches_.empty() && ring_.all_submitted() && !ring_.has_overflow()) {
    ring_.for_each_unseen([this](const io_uring_cqe& completion) {
      if (operation_of(completion) == operation::send_batched)
        note_failed_send(completion);
    });
    report_batches();
  }
  do
    ring_.for_each_completion([this](const io_uring_cqe& completion) { dispatch(completion); });
  while (ring_.flush_overflow());
  if (ring_.all_submitted() && !ring_.has_overflow())
    report_batches();
  for (auto& [limit, buffers] : buffers_)
    buffers->refill();
}

void io_uring_port::dispatch(const io_uring_cqe& completion) {
  switch (operation_of(completion)) {
  case operation::ignored:
    return;
  case operation::wake:
    return on_woken(completion.res);
  case operation::watch_names:
    names_watched_ = false;
    return look_at_names();
  case operation::watch_listener: {
    auto* l = listeners_.find(index_of(completion));
    assert(l != nullptr && "a listener is removed when its poll has come back");
    return on_clients(*l, completion.res);
  }
  case operation::send_batched:
    // If there are no batches, they were reported, and this one noted before.
    if (!batches_.empty())
      note_failed_send(completion);
    return;
  case operation::receive:
  case operation::watch_end:
  case operation::send_waiting:
    return dispatch_to_slot(completion);
  }
}

void io_uring_port::dispatch_to_slot(const io_uring_cqe& completion) {
  auto generation = static_cast<uint16_t>(completion.user_data >> tag_generation_shift);
  auto* s = slots_.find(index_of(completion), generation);
  assert(s != nullptr && "a slot is released when all its operations have come back");
  if (operation_of(completion) == operation::receive)
    on_received(*s, completion);
  else if (operation_of(completion) == operation::watch_end)
    on_watch_ended(*s, completion.res);
  else
    on_waiting_sent(*s, completion.res);
}

void io_uring_port::on_woken(int result) {
  event_armed_ = false;
  if (result < 0 && result != -EINTR && result != -EAGAIN)
    event_failure_ = -result;
}

// -- closing ----------------------------------------------------------------------------------

void io_uring_port::serve_closing(slot& s) {
  if (s.reading == slot::read_state::idle && s.writing == slot::write_state::flowing
      && !s.watching_end) {
    // Else report_batches() has us called again.
    if (s.batched == 0)
      finish_close(s);
    return;
  }
  if (s.life == life_state::cancelled)
    return;
  if (cancel_all(s.fd))
    s.life = life_state::cancelled;
  else
    slots_.mark_dirty(s);
}

} // namespace pipeactor::port
