#include "port/linux/epoll_port.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>

namespace pipeactor::port {

namespace {

using namespace std::chrono_literals;

// The meaning of epoll_event.data: the wake-up, a listener's id, or a slot and its generation.
constexpr uint64_t wake_tag = UINT64_MAX;
constexpr uint64_t names_tag = UINT64_MAX - 1;
constexpr uint64_t listener_tag = uint64_t{1} << 63;

constexpr uint32_t read_events = EPOLLIN | EPOLLRDHUP;
constexpr uint32_t gone_events = EPOLLERR | EPOLLHUP;

uint64_t tag_of(const epoll_slot& s) noexcept {
  return uint64_t{s.generation} << 32 | s.index;
}

} // namespace

// -- life -------------------------------------------------------------------------------------

caf::expected<std::unique_ptr<completion_port>> epoll_port::make(std::chrono::microseconds spin) {
  unique_fd epoll{epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll)
    return unix_error(errno, "cannot make an epoll set");
  unique_fd event{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!event)
    return unix_error(errno, "cannot make an eventfd");
  std::unique_ptr<epoll_port> result{new epoll_port(std::move(epoll), std::move(event), spin)};
  // Edge-triggered, so that it need not be read: each wake() is an event of its own.
  auto refused = result->watch(EPOLL_CTL_ADD, result->event_.get(), EPOLLIN | EPOLLET, wake_tag);
  if (refused != 0)
    return unix_error(refused, "cannot watch an eventfd");
  return std::unique_ptr<completion_port>{std::move(result)};
}

epoll_port::epoll_port(unique_fd epoll, unique_fd event, std::chrono::microseconds spin)
    : unix_port(std::move(event), spin), epoll_(std::move(epoll)) {}

port_kind epoll_port::kind() const noexcept {
  return port_kind::epoll;
}

int epoll_port::watch(int operation, int fd, uint32_t events, uint64_t tag) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
}

void epoll_port::unwatch(int fd) noexcept {
  // Closing would do only if no child process holds the descriptor. Fails if it is not in the set
  // any more, which is as well; if the set is broken, the next wait says so.
  watch(EPOLL_CTL_DEL, fd, 0, 0);
}

// -- listening --------------------------------------------------------------------------------

void epoll_port::begin_accepting(listener& l) {
  if (l.watched)
    return;
  auto refused = watch(EPOLL_CTL_ADD, l.socket.socket.get(), EPOLLIN, listener_tag | l.id);
  l.watched = refused == 0;
  if (!l.watched)
    rest(l, now(), l.socket.claim.path(), unix_error(refused, "cannot watch a socket"));
}

bool epoll_port::end_accepting(listener& l) {
  if (std::exchange(l.watched, false))
    unwatch(l.socket.socket.get());
  return true;
}

void epoll_port::on_clients(listener& l, uint32_t events) {
  if ((events & gone_events) != 0)
    return listener_hung_up(l);
  accept_all(l);
  // Level-triggered: clients that have to wait must not be watched for.
  if (l.rests() || !l.gate.is_open())
    end_accepting(l);
}

// -- a turn -----------------------------------------------------------------------------------

void epoll_port::begin_turn() {
  if (!names_watched_ && names_.fd() >= 0)
    names_watched_ = watch(EPOLL_CTL_ADD, names_.fd(), EPOLLIN, names_tag) == 0;
  if (starved_.empty())
    return;
  if (now() < starved_until_) {
    wake_by(starved_until_);
    return;
  }
  for (auto index : starved_)
    if (auto& s = slots_[index]; std::exchange(s.starved, false))
      slots_.mark_dirty(s);
  starved_.clear();
}

void epoll_port::serve_slot(slot& s) {
  if (s.closing())
    return finish_close(s);
  if (s.failure)
    end_reading(s, std::exchange(s.failure, {}));
  begin_writing(s);
  if (!s.closing())
    update_interest(s, false);
}

bool epoll_port::poll() {
  return fetched(epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0));
}

void epoll_port::sleep(time_point deadline) {
  auto size = static_cast<int>(events_.size());
  auto forever = deadline == time_point::max();
  auto left = forever ? 0ns : std::max<clock::duration>(deadline - now(), 0ns);
  if (has_pwait2_) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec timeout{static_cast<time_t>(seconds.count()),
                     static_cast<long>((left - seconds).count())};
    auto count = epoll_pwait2(epoll_.get(), events_.data(), size, forever ? nullptr : &timeout,
                              nullptr);
    // Linux before 5.11, or a container that does not know it.
    has_pwait2_ = count >= 0 || (errno != ENOSYS && errno != EPERM);
    if (has_pwait2_) {
      fetched(count);
      return;
    }
  }
  constexpr std::chrono::milliseconds longest = 1h;
  auto rounded_up = std::chrono::duration_cast<std::chrono::milliseconds>(left + 999'999ns);
  auto timeout = static_cast<int>(std::min(rounded_up, longest).count());
  fetched(epoll_wait(epoll_.get(), events_.data(), size, forever ? -1 : timeout));
}

/// @param count what epoll_wait(2) returned
/// @returns whether there is anything to dispatch
bool epoll_port::fetched(int count) {
  num_events_ = count > 0 ? static_cast<size_t>(count) : 0;
  if (count < 0 && errno != EINTR)
    fail_port(unix_error(errno, "cannot wait for events"));
  return num_events_ > 0;
}

void epoll_port::dispatch() {
  for (size_t index = 0; index < num_events_; ++index)
    dispatch(events_[index]);
}

void epoll_port::dispatch(const epoll_event& event) {
  auto tag = event.data.u64;
  auto index = static_cast<uint32_t>(tag);
  if (tag == wake_tag)
    return;
  if (tag == names_tag)
    return look_at_names();
  if ((tag & listener_tag) != 0) {
    if (auto* l = listeners_.find(index))
      on_clients(*l, event.events);
  } else if (auto* s = slots_.find(index, static_cast<uint16_t>(tag >> 32))) {
    on_ready(*s, event.events);
  }
}

void epoll_port::on_ready(slot& s, uint32_t events) {
  if (!s.closing() && s.writing == slot::write_state::waiting
      && (events & (EPOLLOUT | gone_events)) != 0) {
    s.writing = slot::write_state::flowing;
    begin_writing(s);
  }
  auto unwanted = !s.wants_read();
  if (!s.closing() && (events & (read_events | gone_events)) != 0) {
    if (unwanted)
      look_behind_hangup(s, events);
    else if (s.pipe->settings().mode == pipe_mode::message)
      read_messages(s);
    else
      read_bytes(s);
    // Many answers leave before the next pipe is read, and their buffers serve again while hot.
    // Single ones leave one after the other at the end of the turn, so that a process that
    // reads several pipes is woken once.
    if (!s.closing() && s.writes.size() > 1)
      begin_writing(s);
  }
  if (!s.closing())
    update_interest(s, unwanted);
}

uint32_t epoll_port::interest_of(const slot& s) noexcept {
  // Level-triggered: do not watch for events that nobody is going to handle.
  uint32_t result = 0;
  if (s.writing == slot::write_state::waiting)
    result |= EPOLLOUT;
  if (s.wants_read() && !s.starved)
    result |= read_events;
  else if (!s.wants_read() && s.input == input_state::open)
    result |= EPOLLRDHUP;
  return result;
}

/// @param drop_reading false: keeps watching for input while reading is paused. It may go on
///   before any comes, so that a short pause costs no system call.
void epoll_port::update_interest(slot& s, bool drop_reading) {
  auto wanted = interest_of(s);
  if (!drop_reading && !s.starved && !s.reading_ended())
    wanted |= s.armed & read_events;
  if (wanted == s.armed)
    return;
  // Hanging up cannot be masked: a pipe that waits for nothing is not in the set at all.
  auto operation = s.armed == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  auto refused = watch(operation, s.fd, wanted, tag_of(s));
  if (refused == 0) {
    s.armed = wanted;
    return;
  }
  // Out of memory, or of max_user_watches: no event of this pipe would ever come.
  end_writing(s, refused, "cannot watch a pipe");
}

// -- closing ----------------------------------------------------------------------------------

void epoll_port::close_handle(slot& s) noexcept {
  if (s.fd >= 0 && s.armed != 0)
    unwatch(s.fd);
  unix_port::close_handle(s);
}

} // namespace pipeactor::port
