#include "port/linux/epoll_port.hpp"

#include "pipeactor/error.hpp"
#include "base/log.hpp"
#include "port/linux/pipe_discovery.hpp"
#include "port/linux/unix_error.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace pipeactor::port {

namespace {

using namespace std::chrono_literals;

constexpr size_t accepts_per_turn = 64;

/// How long reading waits for handlers to release receive buffers.
constexpr auto starved_wait = 1ms;

// What epoll_event.data says: the wake-up, a listener's id, or a slot and its generation.
constexpr uint64_t wake_tag = UINT64_MAX;
constexpr uint64_t listener_tag = uint64_t{1} << 63;
constexpr uint32_t generation_mask = 0x7FFF'FFFF;

constexpr uint32_t read_events = EPOLLIN | EPOLLRDHUP;

uint64_t slot_tag(uint32_t index, uint32_t generation) noexcept {
  return uint64_t{generation} << 32 | index;
}

bool watch(int epoll, int operation, int fd, uint32_t events, uint64_t tag) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll, operation, fd, &event) == 0;
}

} // namespace

// -- life -------------------------------------------------------------------------------------

caf::expected<std::unique_ptr<completion_port>> epoll_port::make(std::chrono::microseconds spin) {
  unique_fd epoll{epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll)
    return unix_error(errno, "cannot make an epoll set");
  unique_fd event{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  // Edge-triggered, so that it need not be read: each wake() is an event of its own.
  if (!event || !watch(epoll.get(), EPOLL_CTL_ADD, event.get(), EPOLLIN | EPOLLET, wake_tag))
    return unix_error(errno, "cannot make an eventfd");
  return std::unique_ptr<completion_port>{new epoll_port(std::move(epoll), std::move(event), spin)};
}

epoll_port::epoll_port(unique_fd epoll, unique_fd event, std::chrono::microseconds spin)
    : epoll_(std::move(epoll)), event_(std::move(event)), spin_(spin),
      max_message_size_(longest_message(largest_send_buffer())) {}

epoll_port::~epoll_port() {
  assert(listeners_.empty());
  assert(free_slots_.size() == slots_.size());
}

port_kind epoll_port::kind() const noexcept {
  return port_kind::epoll;
}

time_point epoll_port::now() const noexcept {
  return clock::now();
}

size_t epoll_port::max_message_size() const noexcept {
  return max_message_size_;
}

caf::error epoll_port::check_message_size(size_t size) const {
  return check_unix_message_size(size);
}

// -- listening --------------------------------------------------------------------------------

caf::expected<listener_id> epoll_port::listen(const listen_request& request) {
  if (auto err = check_message_size(request.max_message_size))
    return err;
  auto socket = listen_unix(request);
  if (!socket)
    return std::move(socket.error());
  auto id = ++last_listener_;
  if (!watch(epoll_.get(), EPOLL_CTL_ADD, socket->socket.get(), EPOLLIN, listener_tag | id))
    return unix_error(errno, "cannot watch the socket of " + request.pipe_name);
  listeners_[id].socket = std::move(*socket);
  return id;
}

std::string epoll_port::address(listener_id id) const {
  auto i = listeners_.find(id);
  return i != listeners_.end() ? i->second.socket.claim.path() : std::string{};
}

void epoll_port::stop_listening(listener_id id) {
  if (auto i = listeners_.find(id); i != listeners_.end())
    i->second.closing = true;
}

// -- discovery --------------------------------------------------------------------------------

pipe_finder epoll_port::finder() const {
  return find_pipe_names;
}

// -- pipes ------------------------------------------------------------------------------------

caf::expected<raw_pipe_ptr> epoll_port::connect(const std::string& pipe_name, pipe_mode mode) {
  auto fd = connect_unix(pipe_name, mode);
  if (!fd)
    return std::move(fd.error());
  return raw_pipe_ptr{std::make_unique<unix_pipe>(std::move(*fd))};
}

void epoll_port::adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) {
  assert(pipe->slot == pipe_record::no_slot);
  auto fd = static_cast<unix_pipe&>(*raw).fd.release();
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  auto index = free_slots_.back();
  free_slots_.pop_back();
  auto& x = slots_[index];
  x.fd = fd;
  x.pipe = pipe;
  if (pipe->settings().mode == pipe_mode::message)
    stamp_messages(fd);
  else
    read_urgent_data_inline(fd);
  pipe->slot = index;
  set_connected(*pipe, fd, peer_of(fd));
  mark_dirty(x);
}

void epoll_port::start_reading(pipe_record& pipe) {
  if (auto* x = slot_of(pipe)) {
    x->continuous = true;
    x->single_reads = 0;
    mark_dirty(*x);
  }
}

void epoll_port::pause_reading(pipe_record& pipe) {
  // Nothing for the next turn: what epoll watches for is corrected when an event comes that
  // nobody wants, for a short pause costs no system call then.
  if (auto* x = slot_of(pipe))
    x->continuous = false;
}

void epoll_port::read_one(pipe_record& pipe) {
  auto* x = slot_of(pipe);
  if (x != nullptr && !x->continuous) {
    ++x->single_reads;
    mark_dirty(*x);
  }
}

void epoll_port::write(pipe_record& pipe, payload data) {
  assert(!data.empty());
  if (auto* x = slot_of(pipe)) {
    x->writes.push_back(std::move(data));
    if (!x->write_blocked)
      mark_dirty(*x);
  }
}

void epoll_port::close(pipe_record& pipe) {
  auto* x = slot_of(pipe);
  if (x != nullptr && !x->closing) {
    x->closing = true;
    set_closing(pipe);
    mark_dirty(*x);
  }
}

// -- the loop ---------------------------------------------------------------------------------

caf::error epoll_port::turn(time_point deadline, completion_handler& handler) {
  assert(handler_ == nullptr);
  handler_ = &handler;
  reported_ = false;
  serve_listeners();
  serve_requests();
  auto count = wait(deadline);
  for (size_t index = 0; index < count; ++index)
    dispatch(events_[index]);
  handler_ = nullptr;
  return caf::none;
}

void epoll_port::wake() noexcept {
  if (wake_state_.exchange(wake_state::woken) == wake_state::asleep) {
    uint64_t one = 1;
    // Fails only where 2^64 - 2 wakes were never read: the event is there then, too.
    [[maybe_unused]] auto written = ::write(event_.get(), &one, sizeof(one));
  }
}

// -- slots ------------------------------------------------------------------------------------

epoll_port::slot* epoll_port::slot_of(const pipe_record& pipe) noexcept {
  if (pipe.slot == pipe_record::no_slot)
    return nullptr;
  assert(pipe.slot < slots_.size() && slots_[pipe.slot].pipe.get() == &pipe);
  return &slots_[pipe.slot];
}

receive_batch* epoll_port::batch_for(size_t limit) {
  auto& batch = batches_[limit];
  if (batch == nullptr)
    batch = std::make_unique<receive_batch>(limit);
  return batch.get();
}

void epoll_port::mark_dirty(slot& x) {
  if (!x.dirty) {
    x.dirty = true;
    dirty_.push_back(x.pipe->slot);
  }
}

void epoll_port::finish_close(slot& x) {
  auto pipe = x.pipe;
  if (!x.input_ended)
    discard_input(x.fd, pipe->settings().mode);
  // Closing takes it out of the set only where no child process holds the descriptor.
  if (x.armed != 0)
    watch(epoll_.get(), EPOLL_CTL_DEL, x.fd, 0, 0);
  clear_handle(*pipe);
  ::close(x.fd);
  // A handler may write once more when it hears that a write failed.
  while (!x.writes.empty())
    fail_writes(x, x.writes.size(), make_error(errc::operation_aborted));
  auto generation = (x.generation + 1) & generation_mask;
  x = slot{};
  x.generation = generation;
  free_slots_.push_back(std::exchange(pipe->slot, pipe_record::no_slot));
  set_closed(*pipe);
  reported_ = true;
  handler_->on_closed(*pipe);
}

// -- a turn -----------------------------------------------------------------------------------

void epoll_port::serve_listeners() {
  for (auto i = listeners_.begin(); i != listeners_.end();) {
    auto& [id, x] = *i;
    if (x.closing) {
      if (!x.resting)
        watch(epoll_.get(), EPOLL_CTL_DEL, x.socket.socket.get(), 0, 0);
      auto closed = id;
      i = listeners_.erase(i);
      reported_ = true;
      handler_->on_listener_closed(closed, caf::none);
      continue;
    }
    if (x.resting && now() >= x.rest_until) {
      x.resting = !watch(epoll_.get(), EPOLL_CTL_ADD, x.socket.socket.get(), EPOLLIN,
                         listener_tag | id);
      x.rest_until = now() + defaults::accept_backoff;
    }
    ++i;
  }
}

void epoll_port::serve_requests() {
  for (auto index : starved_)
    if (auto& x = slots_[index]; std::exchange(x.starved, false))
      mark_dirty(x);
  starved_.clear();
  // What callbacks ask for from here on is for the next turn.
  serving_.swap(dirty_);
  for (auto index : serving_) {
    auto& x = slots_[index];
    x.dirty = false;
    if (x.pipe == nullptr)
      continue; // closed since; its last callback asked for something
    if (x.closing) {
      finish_close(x);
      continue;
    }
    if (!x.write_blocked && !x.writes.empty())
      flush(x);
    if (x.closing)
      continue;
    update_interest(x, false);
    if (!x.write_blocked && !x.writes.empty())
      mark_dirty(x);
  }
  serving_.clear();
}

size_t epoll_port::wait(time_point deadline) {
  size_t count = 0;
  auto busy = reported_ || !dirty_.empty();
  for (auto& [id, x] : listeners_) {
    busy |= x.closing;
    if (x.resting)
      deadline = std::min(deadline, x.rest_until);
  }
  if (!starved_.empty())
    deadline = std::min(deadline, now() + starved_wait);
  if (busy || deadline == time_point::min()) {
    count = poll();
  } else if (auto begin = now(); deadline <= begin) {
    count = poll();
  } else {
    auto end = std::min(begin + spin_, deadline);
    if (spin_ > 0us)
      do {
        count = poll();
      } while (count == 0 && wake_state_.load(std::memory_order_relaxed) == wake_state::awake
               && now() < end);
    if (count == 0)
      count = sleep(deadline);
  }
  // Seen: what was prepared for us before this wake() is found after turn() has returned.
  wake_state_.exchange(wake_state::awake);
  return count;
}

size_t epoll_port::poll() noexcept {
  auto count = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

size_t epoll_port::sleep(time_point deadline) noexcept {
  auto expected = wake_state::awake;
  if (!wake_state_.compare_exchange_strong(expected, wake_state::asleep))
    return poll();
  auto size = static_cast<int>(events_.size());
  auto forever = deadline == time_point::max();
  auto left = forever ? 0ns : std::max<clock::duration>(deadline - now(), 0ns);
  int count = -1;
  if (has_pwait2_) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec timeout{static_cast<time_t>(seconds.count()),
                     static_cast<long>((left - seconds).count())};
    count = epoll_pwait2(epoll_.get(), events_.data(), size, forever ? nullptr : &timeout, nullptr);
    // Linux before 5.11, or a container that does not know it.
    has_pwait2_ = count >= 0 || (errno != ENOSYS && errno != EPERM);
  }
  if (!has_pwait2_) {
    constexpr std::chrono::milliseconds longest = 1h;
    auto rounded_up = std::chrono::duration_cast<std::chrono::milliseconds>(left + 999'999ns);
    auto timeout = static_cast<int>(std::min(rounded_up, longest).count());
    count = epoll_wait(epoll_.get(), events_.data(), size, forever ? -1 : timeout);
  }
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void epoll_port::dispatch(const epoll_event& event) {
  auto tag = event.data.u64;
  auto index = static_cast<uint32_t>(tag);
  if (tag == wake_tag)
    return;
  if ((tag & listener_tag) != 0) {
    if (auto i = listeners_.find(index); i != listeners_.end())
      accept(index, i->second);
    return;
  }
  assert(index < slots_.size());
  auto& x = slots_[index];
  if (x.pipe != nullptr && tag == slot_tag(index, x.generation))
    on_ready(x, event.events);
}

void epoll_port::on_ready(slot& x, uint32_t events) {
  constexpr uint32_t gone = EPOLLERR | EPOLLHUP;
  if (!x.closing && x.write_blocked && (events & (EPOLLOUT | gone)) != 0) {
    x.write_blocked = false;
    flush(x);
    if (!x.write_blocked && !x.writes.empty())
      mark_dirty(x);
  }
  auto unwanted = !wants_read(x);
  if (!x.closing && (events & (read_events | gone)) != 0) {
    if (unwanted)
      look_behind_hangup(x, events);
    else if (x.pipe->settings().mode == pipe_mode::message)
      read_messages(x);
    else
      read_bytes(x);
    // Many answers leave before the next pipe is read, and their buffers serve again while hot.
    // Single ones leave one after the other at the end of the turn, so that a process that
    // reads several pipes is woken once.
    if (!x.closing && !x.write_blocked && x.writes.size() > 1)
      flush(x);
  }
  if (!x.closing)
    update_interest(x, unwanted);
}

// -- what epoll watches for -------------------------------------------------------------------

bool epoll_port::wants_read(const slot& x) noexcept {
  return (x.continuous || x.single_reads > 0) && !x.read_ended && !x.closing;
}

uint32_t epoll_port::interest_of(const slot& x) noexcept {
  // Level-triggered: what nobody is going to deal with must not be watched for.
  uint32_t result = 0;
  if (x.write_blocked)
    result |= EPOLLOUT;
  if (wants_read(x) && !x.starved)
    result |= read_events;
  else if (!wants_read(x) && !x.read_ended && !x.hangup_seen)
    result |= EPOLLRDHUP;
  return result;
}

/// @param drop_reading false: keeps watching for input while reading is paused, for it may go
///   on before any comes
void epoll_port::update_interest(slot& x, bool drop_reading) {
  auto wanted = interest_of(x);
  if (!drop_reading && !x.starved && !x.read_ended)
    wanted |= x.armed & read_events;
  if (wanted == x.armed)
    return;
  // Hanging up cannot be masked: a pipe that waits for nothing is not in the set at all.
  auto operation = x.armed == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  if (watch(epoll_.get(), operation, x.fd, wanted, slot_tag(x.pipe->slot, x.generation))) {
    x.armed = wanted;
    return;
  }
  // Out of memory, or of max_user_watches: nothing would ever be heard of this pipe again.
  x.write_error = errno;
  x.write_blocked = false;
  auto reason = unix_error(x.write_error, "cannot watch a pipe");
  fail_writes(x, x.writes.size(), reason);
  if (!x.closing && !x.read_ended)
    end_reading(x, reason);
}

// -- accepting --------------------------------------------------------------------------------

void epoll_port::accept(listener_id id, listener& x) {
  for (size_t count = 0; count < accepts_per_turn && !x.closing; ++count) {
    unique_fd fd{accept4(x.socket.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (fd) {
      reported_ = true;
      handler_->on_accepted(id, std::make_unique<unix_pipe>(std::move(fd)));
      continue;
    }
    switch (errno) {
    case EAGAIN:
      return;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
      continue; // that client is gone; the next one may not be
    default:
      rest(id, x, errno);
      return;
    }
  }
}

void epoll_port::rest(listener_id id, listener& x, int error_number) {
  if (!std::exchange(x.warned, true))
    detail::log_warning("cannot accept clients of " + x.socket.claim.path()
                        + " for now: " + describe(unix_error(error_number, "accept")));
  x.resting = watch(epoll_.get(), EPOLL_CTL_DEL, x.socket.socket.get(), 0, listener_tag | id);
  x.rest_until = now() + defaults::accept_backoff;
}

} // namespace pipeactor::port
