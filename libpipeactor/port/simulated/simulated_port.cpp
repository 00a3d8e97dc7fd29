#include "port/simulated/simulated_state.hpp"

#include "base/errors.hpp"

#include <cassert>
#include <cstring>

namespace pipeactor::port {

// -- what a port keeps ------------------------------------------------------------------------

namespace {

payload make_payload(std::string_view bytes, detail::payload_account* account) {
  std::byte* to = nullptr;
  auto* block = detail::allocate_payload_block(bytes.size(), to);
  std::memcpy(to, bytes.data(), bytes.size());
  block->charge(account);
  return payload{block};
}

} // namespace

struct simulated_port::pipe_slot {
  bool can_write() const {
    return !writes.empty() && !closing;
  }

  /// The end is seen as soon as nothing unread is before it, also while paused.
  bool can_read() const {
    if (closing || read_ended)
      return false;
    return end.in().empty() ? end.in().ended : reading || wanted > 0;
  }

  caf::error gone() const {
    return errors::closed_by_peer(end.in().reset);
  }

  pipe_record_ptr pipe;
  simulated_end end;
  bool reading = false;
  /// Calls of read_one that wait for a message.
  size_t wanted = 0;
  bool read_ended = false;
  bool closing = false;
  /// Not taken by the network yet; of the first one `taken` bytes are (byte mode).
  std::deque<payload> writes;
  size_t taken = 0;
  /// Writes whose end was not reported. The port's thread only.
  size_t unreported = 0;
};

struct simulated_port::completion {
  enum class type { accepted, listener_closed, received, read_ended, sent, write_failed, closed };

  explicit completion(type what) : what(what) {}

  completion(type what, caf::error reason) : what(what), reason(std::move(reason)) {}

  type what;
  raw_pipe_ptr raw;
  std::string bytes;
  caf::error reason;
  /// Kept until reported, and dropped without the mutex: the last reference of a payload
  /// calls its account, which may call wake().
  std::deque<payload> writes;
};

/// Completions that keep their order: what one listener accepts, one pipe reads or writes.
struct simulated_port::lane {
  lane(std::shared_ptr<simulated_listener> listener, pipe_slot* slot, bool ending = false)
      : listener(std::move(listener)), slot(slot), ending(ending) {}

  /// Of a listener that was stopped, or a pipe that was closed, by an earlier callback of
  /// this turn nothing more is reported but the end, and that in the next turn.
  bool revoked() const {
    if (ending)
      return false;
    return slot != nullptr ? slot->closing : listener->stopped;
  }

  bool done() const {
    return next == completions.size() || revoked();
  }

  void add(completion what) {
    completions.push_back(std::move(what));
  }

  std::shared_ptr<simulated_listener> listener;
  pipe_slot* slot;
  bool ending;
  std::vector<completion> completions;
  size_t next = 0;
};

// -- the port: listening and connecting -------------------------------------------------------

simulated_port::simulated_port(const std::shared_ptr<simulated_network>& network)
    : state_(network->state_) {
  std::lock_guard guard{state_->mutex};
  random_.seed(state_->options.seed + 0x9e3779b97f4a7c15 * state_->ports_made++);
  state_->ports.push_back(this);
}

simulated_port::~simulated_port() {
  assert(free_slots_.size() == slots_.size() && "a pipe is still open");
  assert(listeners_.empty() && "a listener is still open");
  assert(!in_turn_);
  std::lock_guard guard{state_->mutex};
  auto& ports = state_->ports;
  ports.erase(std::find(ports.begin(), ports.end(), this));
}

port_kind simulated_port::kind() const noexcept {
  return port_kind::simulated;
}

time_point simulated_port::now() const noexcept {
  return state_->now();
}

size_t simulated_port::max_message_size() const noexcept {
  return state_->options.largest_message;
}

caf::error simulated_port::check_message_size(size_t size) const {
  if (size <= max_message_size())
    return caf::none;
  return errors::message_size_not_granted(size, max_message_size(),
                                          "raise simulated_options::largest_message");
}

caf::expected<listener_id> simulated_port::listen(const listen_request& request) {
  if (request.pipe_name.empty())
    return make_error(errc::missing_pipe_name);
  if (auto err = check_message_size(request.max_message_size))
    return err;
  std::lock_guard guard{state_->mutex};
  auto& listener = state_->names[request.pipe_name];
  if (listener != nullptr)
    return errors::failed(errc::pipe_in_use, "cannot listen on " + request.pipe_name);
  listener = std::make_shared<simulated_listener>();
  listener->id = next_listener_++;
  listener->request = request;
  listeners_.push_back(listener);
  return listener->id;
}

std::string simulated_port::address(listener_id id) const {
  for (auto& listener : listeners_)
    if (listener->id == id)
      return listener->request.pipe_name;
  return {};
}

void simulated_port::stop_listening(listener_id id) {
  std::lock_guard guard{state_->mutex};
  for (auto& listener : listeners_) {
    if (listener->id != id || listener->stopped)
      continue;
    state_->names.erase(listener->request.pipe_name);
    listener->stopped = true;
    // As on Linux: who was not accepted yet sees a reset.
    for (auto& end : listener->backlog)
      end.close(true);
    listener->backlog.clear();
    state_->changed.notify_all();
  }
}

pipe_finder simulated_port::finder() const {
  return [state = state_](const std::string& pattern) { return state->find(pattern); };
}

caf::expected<raw_pipe_ptr> simulated_port::connect(const std::string& pipe_name, pipe_mode mode) {
  auto end = state_->connect(pipe_name, mode, this_process());
  if (!end)
    return std::move(end.error());
  return raw_pipe_ptr{std::make_unique<simulated_raw>(state_, std::move(*end))};
}

// -- the port: pipes --------------------------------------------------------------------------

simulated_port::pipe_slot* simulated_port::find(const pipe_record& pipe) const noexcept {
  if (pipe.slot == pipe_record::no_slot)
    return nullptr;
  assert(pipe.slot < slots_.size() && slots_[pipe.slot] != nullptr);
  assert(slots_[pipe.slot]->pipe.get() == &pipe);
  return slots_[pipe.slot].get();
}

void simulated_port::adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) {
  assert(pipe->slot == pipe_record::no_slot && pipe->state() == pipe_state::opening);
  auto slot = std::make_unique<pipe_slot>();
  slot->pipe = pipe;
  slot->end = static_cast<simulated_raw&>(*raw).release(*state_);
  assert(slot->end.link->mode == pipe->settings().mode);
  std::lock_guard guard{state_->mutex};
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  pipe->slot = free_slots_.back();
  free_slots_.pop_back();
  set_connected(*pipe, state_->next_handle++, slot->end.peer());
  slots_[pipe->slot] = std::move(slot);
}

void simulated_port::start_reading(pipe_record& pipe) {
  if (auto* slot = find(pipe)) {
    std::lock_guard guard{state_->mutex};
    slot->reading = true;
    slot->wanted = 0;
  }
}

void simulated_port::pause_reading(pipe_record& pipe) {
  if (auto* slot = find(pipe)) {
    std::lock_guard guard{state_->mutex};
    slot->reading = false;
  }
}

void simulated_port::read_one(pipe_record& pipe) {
  if (auto* slot = find(pipe)) {
    std::lock_guard guard{state_->mutex};
    if (!slot->reading)
      ++slot->wanted;
  }
}

void simulated_port::write(pipe_record& pipe, payload data) {
  assert(!data.empty());
  assert(pipe.settings().mode == pipe_mode::byte || data.size() <= max_message_size());
  auto* slot = find(pipe);
  assert(slot != nullptr && "a write to a pipe that this port does not have");
  std::lock_guard guard{state_->mutex};
  slot->writes.push_back(std::move(data));
  ++slot->unreported;
}

void simulated_port::close(pipe_record& pipe) {
  auto* slot = find(pipe);
  if (slot == nullptr || slot->closing)
    return;
  set_closing(pipe);
  std::lock_guard guard{state_->mutex};
  slot->closing = true;
}

// -- the port: the loop -----------------------------------------------------------------------

caf::error simulated_port::turn(time_point deadline, completion_handler& handler) {
  assert(!in_turn_ && "turn() from inside a callback");
  in_turn_ = true;
  std::vector<lane> batch;
  {
    std::unique_lock guard{state_->mutex};
    wait(guard, deadline);
    woken_ = false;
    collect(batch);
    // Room that was made and bytes that were moved may be what another port waits for.
    state_->changed.notify_all();
  }
  report(batch, handler);
  in_turn_ = false;
  return caf::none;
}

void simulated_port::wake() noexcept {
  std::lock_guard guard{state_->mutex};
  woken_ = true;
  state_->changed.notify_all();
}

bool simulated_port::ready() const {
  auto listener_ready = [](auto& listener) { return listener->ready(); };
  auto slot_ready = [this](auto& slot) {
    if (slot == nullptr)
      return false;
    return slot->closing || slot->can_read()
           || (slot->can_write()
               && (slot->end.out().reader_gone
                   || state_->room(slot->end, slot->writes.front().size() - slot->taken)));
  };
  return std::any_of(listeners_.begin(), listeners_.end(), listener_ready)
         || std::any_of(slots_.begin(), slots_.end(), slot_ready);
}

void simulated_port::wait(std::unique_lock<std::mutex>& guard, time_point deadline) {
  auto never = deadline == time_point::max();
  if (state_->options.clock == simulated_clock::virtual_time) {
    // Time stands still while any port has work: a jump would be unfair to its timers.
    if (!never && !woken_ && deadline > state_->virtual_now && !state_->any_port_ready())
      state_->virtual_now = deadline;
    return;
  }
  auto done = [this] { return woken_ || ready(); };
  // A standard library that turns the deadline into one of another clock overflows with that of
  // a poll, and waits for ever.
  if (never)
    state_->changed.wait(guard, done);
  else if (deadline > clock::now())
    state_->changed.wait_until(guard, deadline, done);
}

void simulated_port::collect(std::vector<lane>& batch) {
  using type = completion::type;
  collect_listeners(batch);
  for (auto& slot : slots_) {
    if (slot == nullptr)
      continue;
    if (slot->closing) {
      lane end{nullptr, slot.get(), true};
      if (slot->unreported > 0) {
        completion aborted{type::write_failed, make_error(errc::operation_aborted)};
        aborted.writes = std::exchange(slot->writes, {});
        end.add(std::move(aborted));
      }
      end.add(completion{type::closed});
      batch.push_back(std::move(end));
    } else {
      collect_writes(*slot, batch);
      collect_reads(*slot, batch);
    }
  }
}

void simulated_port::collect_listeners(std::vector<lane>& batch) {
  using type = completion::type;
  for (auto& listener : listeners_) {
    lane accepts{listener, nullptr, listener->stopped};
    for (auto& end : std::exchange(listener->backlog, {})) {
      completion accepted{type::accepted};
      accepted.raw = std::make_unique<simulated_raw>(state_, end);
      accepts.add(std::move(accepted));
    }
    if (listener->stopped)
      accepts.add(completion{type::listener_closed});
    if (!accepts.completions.empty())
      batch.push_back(std::move(accepts));
  }
  auto stopped = [](auto& listener) { return listener->stopped; };
  listeners_.erase(std::remove_if(listeners_.begin(), listeners_.end(), stopped), listeners_.end());
}

void simulated_port::collect_writes(pipe_slot& slot, std::vector<lane>& batch) {
  using type = completion::type;
  if (!slot.can_write())
    return;
  lane writes{nullptr, &slot};
  auto& to = slot.end.out();
  if (to.reader_gone) {
    completion failed{type::write_failed, slot.gone()};
    failed.writes = std::exchange(slot.writes, {});
    slot.taken = 0;
    writes.add(std::move(failed));
    batch.push_back(std::move(writes));
    return;
  }
  completion sent{type::sent};
  while (!slot.writes.empty()) {
    auto rest = slot.writes.front().text().substr(slot.taken);
    auto room = state_->room(slot.end, rest.size());
    if (!room)
      break;
    to.push(slot.end.link->mode, rest.substr(0, *room));
    slot.taken += *room;
    if (*room < rest.size())
      break;
    slot.taken = 0;
    sent.writes.push_back(std::move(slot.writes.front()));
    slot.writes.pop_front();
  }
  if (sent.writes.empty())
    return;
  writes.add(std::move(sent));
  batch.push_back(std::move(writes));
}

void simulated_port::collect_reads(pipe_slot& slot, std::vector<lane>& batch) {
  lane reads{nullptr, &slot};
  while (slot.can_read() && reads.completions.size() < defaults::reads_per_turn)
    reads.add(take_read(slot));
  if (!reads.completions.empty())
    batch.push_back(std::move(reads));
}

simulated_port::completion simulated_port::take_read(pipe_slot& slot) {
  using type = completion::type;
  auto& from = slot.end.in();
  auto& settings = slot.pipe->settings();
  if (from.empty()) {
    slot.read_ended = true;
    return {type::read_ended, slot.gone()};
  }
  auto limit = settings.receive_limit;
  auto size = from.pieces.front().size();
  if (settings.mode == pipe_mode::message && size > limit) {
    slot.read_ended = true;
    return {type::read_ended, errors::received_too_large(size, limit)};
  }
  if (settings.mode == pipe_mode::byte && state_->options.split_reads)
    limit = 1 + pick(std::min(size, limit));
  if (!slot.reading)
    --slot.wanted;
  completion received{type::received};
  received.bytes = from.pop(settings.mode, limit);
  return received;
}

void simulated_port::report(std::vector<lane>& batch, completion_handler& handler) {
  while (!batch.empty()) {
    auto index = pick(batch.size());
    auto& from = batch[index];
    if (!from.done()) {
      auto what = std::move(from.completions[from.next++]);
      if (from.slot != nullptr)
        report_pipe(*from.slot, what, handler);
      else if (what.what == completion::type::accepted)
        handler.on_accepted(from.listener->id, std::move(what.raw));
      else
        handler.on_listener_closed(from.listener->id, caf::none);
    }
    if (from.done()) {
      std::swap(from, batch.back());
      batch.pop_back();
    }
  }
}

void simulated_port::report_pipe(pipe_slot& slot, completion& what, completion_handler& handler) {
  auto& pipe = *slot.pipe;
  auto count = what.writes.size();
  switch (what.what) {
  case completion::type::received:
    handler.on_received(pipe, make_payload(what.bytes, pipe.settings().account));
    break;
  case completion::type::read_ended:
    set_closing(pipe);
    handler.on_read_ended(pipe, what.reason);
    break;
  case completion::type::sent:
    slot.unreported -= count;
    handler.on_sent(pipe, count);
    break;
  case completion::type::write_failed:
    // At a close also those that the network took and nobody was told of.
    if (slot.closing)
      count = slot.unreported;
    slot.unreported -= count;
    handler.on_write_failed(pipe, count, what.reason);
    break;
  case completion::type::closed:
    finish(slot, handler);
    break;
  default:
    assert(false);
  }
}

void simulated_port::finish(pipe_slot& slot, completion_handler& handler) {
  // A callback of this turn wrote once more: that fails in the next turn, and then the end.
  if (slot.unreported > 0)
    return;
  auto pipe = slot.pipe;
  clear_handle(*pipe);
  std::unique_ptr<pipe_slot> done;
  {
    std::lock_guard guard{state_->mutex};
    slot.end.close(false);
    done = std::move(slots_[pipe->slot]);
    free_slots_.push_back(pipe->slot);
    state_->changed.notify_all();
  }
  pipe->slot = pipe_record::no_slot;
  set_closed(*pipe);
  handler.on_closed(*pipe);
}

size_t simulated_port::pick(size_t count) {
  assert(count > 0);
  return static_cast<size_t>(random_() % count);
}

} // namespace pipeactor::port
