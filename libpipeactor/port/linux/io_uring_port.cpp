#include "port/linux/io_uring_port.hpp"

#include "pipeactor/error.hpp"
#include "base/log.hpp"
#include "port/linux/pipe_discovery.hpp"
#include "port/linux/unix_error.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace pipeactor::port {

// -- life -------------------------------------------------------------------------------------

caf::expected<std::unique_ptr<completion_port>>
io_uring_port::make(std::chrono::microseconds spin) {
  std::unique_ptr<io_uring_port> result{new io_uring_port(spin)};
  if (auto err = result->open())
    return err;
  return std::unique_ptr<completion_port>{std::move(result)};
}

io_uring_port::io_uring_port(std::chrono::microseconds spin)
    : spin_(spin), max_message_size_(longest_message(largest_send_buffer())),
      default_send_buffer_(static_cast<int64_t>(pipeactor::port::default_send_buffer())) {}

caf::error io_uring_port::open() {
  event_ = unique_fd{eventfd(0, EFD_CLOEXEC)};
  if (!event_)
    return unix_error(errno, "cannot make an eventfd");
  if (auto err = ring_.open())
    return err;
  // Made here rather than for the first pipe, so that a system that refuses it (memlock)
  // is found out in time for another port.
  auto buffers = buffers_for(defaults::message_buffer_size);
  return buffers ? caf::error{} : buffers.error();
}

io_uring_port::~io_uring_port() {
  assert(listeners_.empty());
  assert(free_slots_.size() == slots_.size());
}

port_kind io_uring_port::kind() const noexcept {
  return port_kind::io_uring;
}

time_point io_uring_port::now() const noexcept {
  return clock::now();
}

size_t io_uring_port::max_message_size() const noexcept {
  return max_message_size_;
}

caf::error io_uring_port::check_message_size(size_t size) const {
  return check_unix_message_size(size);
}

// -- listening --------------------------------------------------------------------------------

caf::expected<listener_id> io_uring_port::listen(const listen_request& request) {
  if (auto err = check_message_size(request.max_message_size))
    return err;
  auto socket = listen_unix(request);
  if (!socket)
    return std::move(socket.error());
  auto id = last_listener_ = (last_listener_ + 1) & tag_index_mask;
  listeners_[id].socket = std::move(*socket);
  return id;
}

std::string io_uring_port::address(listener_id id) const {
  auto i = listeners_.find(id);
  return i != listeners_.end() ? i->second.socket.claim.path() : std::string{};
}

void io_uring_port::stop_listening(listener_id id) {
  if (auto i = listeners_.find(id); i != listeners_.end())
    i->second.closing = true;
}

// -- discovery --------------------------------------------------------------------------------

pipe_finder io_uring_port::finder() const {
  return find_pipe_names;
}

// -- pipes ------------------------------------------------------------------------------------

caf::expected<raw_pipe_ptr> io_uring_port::connect(const std::string& pipe_name, pipe_mode mode) {
  auto fd = connect_unix(pipe_name, mode);
  if (!fd)
    return std::move(fd.error());
  return raw_pipe_ptr{std::make_unique<unix_pipe>(std::move(*fd))};
}

void io_uring_port::adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) {
  assert(pipe->slot == pipe_record::no_slot);
  if (free_slots_.empty()) {
    assert(slots_.size() < tag_index_mask);
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  auto index = free_slots_.back();
  free_slots_.pop_back();
  auto& x = slots_[index];
  x.fd = static_cast<unix_pipe&>(*raw).fd.release();
  x.pipe = pipe;
  if (pipe->settings().mode == pipe_mode::byte)
    read_urgent_data_inline(x.fd);
  x.send_buffer = default_send_buffer_;
  x.credit = default_send_buffer_;
  pipe->slot = index;
  set_connected(*pipe, x.fd, peer_of(x.fd));
  mark_dirty(x);
  if (auto buffers = buffers_for(pipe->settings().receive_limit)) {
    x.buffers = *buffers;
  } else {
    // Without receive buffers the pipe can only report why, in its next turn.
    x.read_ended = true;
    detail::log_warning("a connection cannot be read: " + describe(buffers.error()));
    close(*pipe);
  }
}

void io_uring_port::start_reading(pipe_record& pipe) {
  if (auto* x = slot_of(pipe)) {
    x->continuous = true;
    x->single_reads = 0;
    mark_dirty(*x);
  }
}

void io_uring_port::pause_reading(pipe_record& pipe) {
  if (auto* x = slot_of(pipe)) {
    x->continuous = false;
    mark_dirty(*x);
  }
}

void io_uring_port::read_one(pipe_record& pipe) {
  auto* x = slot_of(pipe);
  if (x != nullptr && !x->continuous) {
    ++x->single_reads;
    mark_dirty(*x);
  }
}

void io_uring_port::write(pipe_record& pipe, payload data) {
  assert(!data.empty());
  if (auto* x = slot_of(pipe)) {
    x->writes.push_back(std::move(data));
    mark_dirty(*x);
  }
}

void io_uring_port::close(pipe_record& pipe) {
  auto* x = slot_of(pipe);
  if (x != nullptr && !x->closing) {
    x->closing = true;
    set_closing(pipe);
    mark_dirty(*x);
  }
}

// -- the loop ---------------------------------------------------------------------------------

caf::error io_uring_port::turn(time_point deadline, completion_handler& handler) {
  assert(handler_ == nullptr);
  handler_ = &handler;
  pending_ = wake_requested_.exchange(false);
  prepare();
  wait(deadline);
  // First what was sent, so that its buffers are free for what was received. While the kernel
  // holds completions back that found the ring full, nobody knows which sends failed.
  if (!batches_.empty() && !ring_.has_overflow()) {
    ring_.for_each_unseen([this](const io_uring_cqe& completion) {
      if (operation_of(completion) == operation::send_batched)
        note_failed_send(completion);
    });
    report_batches();
  }
  do
    ring_.for_each_completion([this](const io_uring_cqe& completion) { complete(completion); });
  while (ring_.flush_overflow());
  report_batches();
  for (auto& [limit, buffers] : buffers_)
    buffers->refill();
  handler_ = nullptr;
  return caf::none;
}

void io_uring_port::wake() noexcept {
  wake_requested_.store(true);
  if (asleep_.exchange(false)) {
    uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(event_.get(), &one, sizeof(one));
  }
}

void io_uring_port::wait(time_point deadline) {
  if (!dirty_.empty() || !closable_.empty() || deadline <= clock::now())
    pending_ = true;
  if (pending_ || !batches_.empty()) {
    ring_.submit();
    return;
  }
  for (auto& [id, x] : listeners_)
    if (x.resting)
      deadline = std::min(deadline, x.rest_until);
  if (spin_.count() > 0) {
    ring_.submit();
    if (spin_until_work())
      return;
  }
  // Whoever wakes us from here on writes to the event; whoever did before is seen here.
  asleep_.store(true);
  if (wake_requested_.load())
    ring_.submit();
  else
    ring_.submit_and_wait(deadline);
  asleep_.store(false);
}

bool io_uring_port::spin_until_work() noexcept {
  auto end = clock::now() + spin_;
  do {
    if (ring_.has_work()) {
      ring_.submit();
      return true;
    }
    if (wake_requested_.load(std::memory_order_relaxed))
      return true;
  } while (clock::now() < end);
  return false;
}

void io_uring_port::prepare() {
  if (!event_armed_) {
    auto* sqe = ring_.next_entry();
    io_uring_prep_read(sqe, event_.get(), &event_count_, sizeof(event_count_), 0);
    sqe->user_data = uint64_t(operation::wake) << tag_operation_shift;
    event_armed_ = true;
  }
  prepare_listeners();
  // What callbacks ask for from here on is for the next turn.
  preparing_.swap(dirty_);
  for (auto index : preparing_) {
    auto& x = slots_[index];
    x.dirty = false;
    if (x.pipe != nullptr)
      prepare_slot(x);
  }
  preparing_.clear();
}

void io_uring_port::prepare_listeners() {
  for (auto i = listeners_.begin(); i != listeners_.end();) {
    auto& [id, x] = *i;
    auto user_data = uint64_t(operation::accept) << tag_operation_shift | id;
    if (x.closing && !x.armed) {
      auto closed = id;
      i = listeners_.erase(i);
      pending_ = true;
      handler_->on_listener_closed(closed, caf::none);
      continue;
    }
    if (x.closing && !x.cancelling) {
      prepare_cancel(user_data);
      x.cancelling = true;
    } else if (!x.closing && !x.armed && (!x.resting || clock::now() >= x.rest_until)) {
      auto* sqe = ring_.next_entry();
      io_uring_prep_multishot_accept(sqe, x.socket.socket.get(), nullptr, nullptr,
                                     SOCK_NONBLOCK | SOCK_CLOEXEC);
      sqe->user_data = user_data;
      x.armed = true;
      x.resting = false;
    }
    ++i;
  }
}

void io_uring_port::prepare_cancel(uint64_t user_data) {
  auto* sqe = ring_.next_entry();
  io_uring_prep_cancel64(sqe, user_data, 0);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = uint64_t(operation::ignored) << tag_operation_shift;
}

void io_uring_port::prepare_slot(slot& x) {
  if (!x.closing) {
    prepare_receive(x);
    prepare_sends(x);
    return;
  }
  if (x.armed == receiving::nothing && !x.send_waiting && !x.watching_end) {
    if (x.batched == 0)
      closable_.push_back(index_of(x));
    return;
  }
  if (!x.cancelling_all) {
    auto* sqe = ring_.next_entry();
    io_uring_prep_cancel_fd(sqe, x.fd, IORING_ASYNC_CANCEL_ALL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = uint64_t(operation::ignored) << tag_operation_shift;
    x.cancelling_all = true;
  }
}

void io_uring_port::prepare_receive(slot& x) {
  if (x.read_ended)
    return;
  auto wanted = x.continuous         ? receiving::continuously
                : x.single_reads > 0 ? receiving::once
                                     : receiving::nothing;
  if (x.armed != receiving::nothing) {
    auto unwanted = wanted == receiving::nothing
                    || (wanted == receiving::once && x.armed == receiving::continuously);
    if (unwanted && !x.cancelling_receive) {
      prepare_cancel(tag(operation::receive, x));
      x.cancelling_receive = true;
    }
    return;
  }
  if (wanted == receiving::nothing) {
    prepare_watch(x);
    return;
  }
  auto* sqe = ring_.next_entry();
  // MSG_TRUNC: the result is the message's true length, so that a message that was cut
  // shows.
  auto flags = x.pipe->settings().mode == pipe_mode::message ? MSG_TRUNC : 0;
  if (wanted == receiving::continuously)
    io_uring_prep_recv_multishot(sqe, x.fd, nullptr, 0, flags);
  else
    io_uring_prep_recv(sqe, x.fd, nullptr, 0, flags);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = x.buffers->group();
  sqe->user_data = tag(operation::receive, x);
  x.armed = wanted;
}

void io_uring_port::prepare_watch(slot& x) {
  if (x.watching_end || x.end_seen)
    return;
  auto* sqe = ring_.next_entry();
  io_uring_prep_poll_add(sqe, x.fd, POLLRDHUP);
  sqe->user_data = tag(operation::watch_end, x);
  x.watching_end = true;
}

void io_uring_port::finish_close(slot& x) {
  auto pipe = x.pipe;
  if (!x.input_ended)
    discard_input(x.fd, pipe->settings().mode);
  clear_handle(*pipe);
  ::close(x.fd);
  // A handler may write once more when it hears that a write failed.
  while (!x.writes.empty())
    report_failed(x, x.writes.size(), make_error(errc::operation_aborted));
  auto generation = static_cast<uint16_t>(x.generation + 1);
  x = slot{};
  x.generation = generation;
  free_slots_.push_back(std::exchange(pipe->slot, pipe_record::no_slot));
  set_closed(*pipe);
  handler_->on_closed(*pipe);
}

// -- slots ------------------------------------------------------------------------------------

io_uring_port::slot* io_uring_port::slot_of(const pipe_record& pipe) noexcept {
  if (pipe.slot == pipe_record::no_slot)
    return nullptr;
  assert(pipe.slot < slots_.size() && slots_[pipe.slot].pipe.get() == &pipe);
  return &slots_[pipe.slot];
}

uint32_t io_uring_port::index_of(const slot& x) const noexcept {
  return x.pipe->slot;
}

void io_uring_port::mark_dirty(slot& x) {
  if (!x.dirty) {
    x.dirty = true;
    dirty_.push_back(index_of(x));
  }
}

uint64_t io_uring_port::tag(operation what, const slot& x, uint16_t position) const noexcept {
  return uint64_t(what) << tag_operation_shift | uint64_t{position} << tag_position_shift
         | uint64_t{x.generation} << tag_generation_shift | index_of(x);
}

caf::expected<io_uring_buffers*> io_uring_port::buffers_for(size_t receive_limit) {
  auto& buffers = buffers_[receive_limit];
  if (buffers == nullptr) {
    auto made = io_uring_buffers::make(ring_, static_cast<uint16_t>(buffers_.size()),
                                       receive_limit);
    if (!made) {
      buffers_.erase(receive_limit);
      return made.error();
    }
    buffers = std::move(*made);
  }
  return buffers.get();
}

} // namespace pipeactor::port
