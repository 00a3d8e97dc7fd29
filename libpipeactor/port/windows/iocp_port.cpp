#include "port/windows/iocp_port.hpp"

#include "pipeactor/error.hpp"
#include "base/log.hpp"
#include "port/windows/pipe_discovery.hpp"
#include "port/windows/windows_identity.hpp"

#include <algorithm>
#include <cassert>

namespace pipeactor::port {

namespace {

using namespace std::chrono_literals;

/// Each costs an instance and a wait of the system's thread pool. Clients that find none free
/// wait for one, ours and most others.
constexpr size_t most_listening = 64;

} // namespace

// -- life -------------------------------------------------------------------------------------

caf::expected<std::unique_ptr<completion_port>> iocp_port::make(std::chrono::microseconds spin) {
  auto queue = iocp_queue::make();
  if (!queue)
    return std::move(queue.error());
  return std::unique_ptr<completion_port>{new iocp_port(std::move(*queue), spin)};
}

iocp_port::iocp_port(iocp_queue queue, std::chrono::microseconds spin)
    : queue_(std::move(queue)), spin_(spin) {}

iocp_port::~iocp_port() {
  assert(listeners_.empty() && instances_.empty());
  assert(free_slots_.size() == slots_.size());
}

port_kind iocp_port::kind() const noexcept {
  return port_kind::iocp;
}

time_point iocp_port::now() const noexcept {
  return clock::now();
}

size_t iocp_port::max_message_size() const noexcept {
  return longest_windows_message;
}

caf::error iocp_port::check_message_size(size_t size) const {
  return check_windows_message_size(size);
}

// -- listening --------------------------------------------------------------------------------

caf::expected<listener_id> iocp_port::listen(const listen_request& request) {
  if (auto err = check_windows_message_size(request.max_message_size))
    return err;
  auto settings = make_instance_settings(request);
  if (!settings)
    return std::move(settings.error());
  auto id = ++last_listener_;
  auto& x = listeners_[id];
  x.settings = std::move(*settings);
  x.backlog = std::clamp<size_t>(request.backlog, 1, most_listening);
  if (auto err = add_instance(id, x, true)) {
    listeners_.erase(id);
    return err;
  }
  // Where there are no resources for all of them, the others come later.
  refill(id, x);
  return id;
}

std::string iocp_port::address(listener_id id) const {
  auto i = listeners_.find(id);
  return i != listeners_.end() ? i->second.settings.address : std::string{};
}

void iocp_port::stop_listening(listener_id id) {
  if (auto i = listeners_.find(id); i != listeners_.end())
    i->second.closing = true;
}

// -- discovery --------------------------------------------------------------------------------

pipe_finder iocp_port::finder() const {
  return find_pipe_names;
}

// -- pipes ------------------------------------------------------------------------------------

caf::expected<raw_pipe_ptr> iocp_port::connect(const std::string& pipe_name, pipe_mode mode) {
  auto handle = connect_windows(pipe_name, mode);
  if (!handle)
    return std::move(handle.error());
  return raw_pipe_ptr{std::make_unique<windows_pipe>(std::move(*handle))};
}

void iocp_port::adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) {
  assert(pipe->slot == pipe_record::no_slot);
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  auto index = free_slots_.back();
  free_slots_.pop_back();
  auto& x = slots_[index];
  x.handle = std::move(static_cast<windows_pipe&>(*raw).handle);
  x.pipe = pipe;
  x.read.owner = &x;
  pipe->slot = index;
  set_connected(*pipe, reinterpret_cast<native_handle_type>(x.handle.get()),
                peer_of(x.handle.get()));
  // What the system does at once posts a packet too, and shall: without (see
  // SetFileCompletionNotificationModes) reads of long messages, ERROR_MORE_DATA, would be in doubt.
  auto failure = queue_.bind(x.handle.get(), operation_done);
  x.bound = !failure;
  if (!x.bound)
    x.write_error = static_cast<DWORD>(os_code_of(failure));
  mark_dirty(x);
}

void iocp_port::start_reading(pipe_record& pipe) {
  if (auto* x = slot_of(pipe)) {
    x->continuous = true;
    x->single_reads = 0;
    mark_dirty(*x);
  }
}

void iocp_port::pause_reading(pipe_record& pipe) {
  if (auto* x = slot_of(pipe))
    x->continuous = false;
}

void iocp_port::read_one(pipe_record& pipe) {
  auto* x = slot_of(pipe);
  if (x != nullptr && !x->continuous) {
    ++x->single_reads;
    mark_dirty(*x);
  }
}

void iocp_port::write(pipe_record& pipe, payload data) {
  assert(!data.empty());
  if (auto* x = slot_of(pipe)) {
    x->writes.push_back(std::move(data));
    mark_dirty(*x);
  }
}

void iocp_port::close(pipe_record& pipe) {
  auto* x = slot_of(pipe);
  if (x != nullptr && !x->closing) {
    x->closing = true;
    set_closing(pipe);
    mark_dirty(*x);
  }
}

// -- the loop ---------------------------------------------------------------------------------

caf::error iocp_port::turn(time_point deadline, completion_handler& handler) {
  assert(handler_ == nullptr);
  handler_ = &handler;
  reported_ = false;
  serve_listeners();
  serve_requests();
  auto count = wait(deadline);
  for (size_t index = 0; index < count; ++index)
    dispatch(queue_.packet(index));
  handler_ = nullptr;
  return caf::none;
}

void iocp_port::wake() noexcept {
  if (wake_state_.exchange(wake_state::waking) == wake_state::asleep)
    queue_.post(woken, 0);
}

// -- slots ------------------------------------------------------------------------------------

iocp_port::slot* iocp_port::slot_of(const pipe_record& pipe) noexcept {
  if (pipe.slot == pipe_record::no_slot)
    return nullptr;
  assert(pipe.slot < slots_.size() && slots_[pipe.slot].pipe.get() == &pipe);
  return &slots_[pipe.slot];
}

void iocp_port::mark_dirty(slot& x) {
  if (!x.dirty) {
    x.dirty = true;
    dirty_.push_back(x.pipe->slot);
  }
}

void iocp_port::serve(slot& x) {
  if (x.closing) {
    // What was cancelled comes back all the same, and until then nothing may be freed.
    if (!std::exchange(x.cancelled, true))
      CancelIoEx(x.handle.get(), nullptr);
    if (!x.read.outstanding && x.num_in_flight == 0)
      finish_close(x);
    return;
  }
  flush(x);
  if (!x.closing)
    serve_reading(x);
}

void iocp_port::finish_close(slot& x) {
  auto pipe = x.pipe;
  clear_handle(*pipe);
  // Not DisconnectNamedPipe, which throws away what the peer has not read yet.
  x.handle = unique_handle{};
  if (x.joining != nullptr)
    detail::destroy_payload_block(std::exchange(x.joining, nullptr));
  // A handler may write once more when it hears that a write failed.
  while (!x.writes.empty())
    fail_writes(x, make_error(errc::operation_aborted));
  x = slot{};
  free_slots_.push_back(std::exchange(pipe->slot, pipe_record::no_slot));
  set_closed(*pipe);
  reported_ = true;
  handler_->on_closed(*pipe);
}

// -- a turn -----------------------------------------------------------------------------------

void iocp_port::serve_listeners() {
  for (auto i = listeners_.begin(); i != listeners_.end();) {
    auto& [id, x] = *i;
    if (!x.closing) {
      if (x.listening < x.backlog && now() >= x.rest_until)
        refill(id, x);
      ++i;
      continue;
    }
    auto closed = id;
    for (auto j = instances_.begin(); j != instances_.end();)
      j = j->second.owner == closed ? instances_.erase(j) : std::next(j);
    i = listeners_.erase(i);
    reported_ = true;
    handler_->on_listener_closed(closed, caf::none);
  }
}

void iocp_port::serve_requests() {
  // What callbacks ask for from here on is for the next turn.
  serving_.swap(dirty_);
  for (auto index : serving_) {
    auto& x = slots_[index];
    x.dirty = false;
    if (x.pipe != nullptr) // else closed since; its last callback asked for something
      serve(x);
  }
  serving_.clear();
}

size_t iocp_port::wait(time_point deadline) {
  size_t count = 0;
  auto busy = reported_ || !dirty_.empty();
  for (auto& [id, x] : listeners_) {
    busy |= x.closing;
    if (x.listening < x.backlog)
      deadline = std::min(deadline, x.rest_until);
  }
  if (busy || deadline == time_point::min()) {
    count = poll(0);
  } else if (auto begin = now(); deadline <= begin) {
    count = poll(0);
  } else {
    auto end = std::min(begin + spin_, deadline);
    if (spin_ > 0us)
      do {
        count = poll(0);
      } while (count == 0 && wake_state_.load(std::memory_order_relaxed) == wake_state::awake
               && now() < end);
    if (count == 0)
      count = sleep(deadline);
  }
  // Seen: what was prepared for us before this wake() is found after turn() has returned.
  wake_state_.exchange(wake_state::awake);
  return count;
}

size_t iocp_port::poll(DWORD milliseconds) {
  auto count = queue_.take(milliseconds);
  return count ? *count : 0;
}

size_t iocp_port::sleep(time_point deadline) {
  auto expected = wake_state::awake;
  if (!wake_state_.compare_exchange_strong(expected, wake_state::asleep))
    return poll(0);
  if (deadline == time_point::max())
    return poll(INFINITE);
  constexpr std::chrono::milliseconds longest = 1h;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now());
  return poll(static_cast<DWORD>(std::clamp(left, 0ms, longest).count()));
}

void iocp_port::dispatch(const OVERLAPPED_ENTRY& packet) {
  switch (packet.lpCompletionKey) {
  case client_came:
    accept(reinterpret_cast<ULONG_PTR>(packet.lpOverlapped));
    return;
  case operation_done: {
    auto& done = *reinterpret_cast<operation*>(packet.lpOverlapped);
    assert(done.outstanding && done.owner->pipe != nullptr);
    if (done.is_write)
      on_written(*done.owner, done);
    else
      on_read(*done.owner, packet.dwNumberOfBytesTransferred);
    return;
  }
  default:
    assert(packet.lpCompletionKey == woken);
  }
}

// -- accepting --------------------------------------------------------------------------------

caf::error iocp_port::add_instance(listener_id id, listener& x, bool is_first) {
  auto pipe = make_instance(x.settings, is_first);
  if (!pipe)
    return std::move(pipe.error());
  auto number = ++last_instance_;
  auto instance = std::make_unique<listening_instance>(std::move(*pipe), queue_, client_came,
                                                       number);
  auto& entry = instances_[number];
  entry = {id, std::move(instance)};
  if (auto err = entry.instance->listen()) {
    instances_.erase(number);
    return err;
  }
  ++x.listening;
  return caf::none;
}

void iocp_port::refill(listener_id id, listener& x) {
  while (x.listening < x.backlog) {
    auto err = add_instance(id, x, false);
    if (!err)
      continue;
    if (!std::exchange(x.warned, true))
      detail::log_warning("cannot keep all instances of " + x.settings.address
                          + " ready for now: " + describe(err));
    x.rest_until = now() + defaults::accept_backoff;
    return;
  }
}

void iocp_port::accept(ULONG_PTR number) {
  auto i = instances_.find(number);
  if (i == instances_.end())
    return; // of a listener that was closed since
  auto id = i->second.owner;
  auto& x = listeners_.at(id);
  auto pipe = i->second.instance->take();
  instances_.erase(i);
  --x.listening;
  if (x.closing)
    return;
  // Its replacement is made first: between two instances clients would find no pipe at all.
  refill(id, x);
  if (!pipe)
    return;
  reported_ = true;
  handler_->on_accepted(id, std::make_unique<windows_pipe>(std::move(*pipe)));
}

} // namespace pipeactor::port
