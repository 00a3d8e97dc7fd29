#include "port/simulated/simulated_port.hpp"

#include "base/errors.hpp"
#include "port/closed_handles.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

namespace pipeactor::port {

namespace {

/// Spreads the seeds of a network's ports (the golden ratio in 64 bits).
constexpr uint64_t seed_step = 0x9e3779b97f4a7c15;

} // namespace

// -- life -------------------------------------------------------------------------------------

simulated_port::simulated_port(std::shared_ptr<simulated_state> network)
    : network_(std::move(network)) {
  std::lock_guard guard{network_->mutex};
  random_.seed(network_->options.seed + seed_step * network_->ports_made++);
  network_->ports.push_back(this);
}

simulated_port::~simulated_port() {
  assert(handler_ == nullptr);
  std::lock_guard guard{network_->mutex};
  auto& ports = network_->ports;
  simulated_member* self = this;
  ports.erase(std::find(ports.begin(), ports.end(), self));
}

port_kind simulated_port::kind() const noexcept {
  return port_kind::simulated;
}

bool simulated_port::guards_access() const noexcept {
  return false;
}

time_point simulated_port::now() const noexcept {
  return network_->now();
}

size_t simulated_port::max_message_size() const noexcept {
  return network_->options.largest_message;
}

caf::error simulated_port::check_message_size(size_t size) const {
  if (size <= max_message_size())
    return caf::none;
  return errors::message_size_not_granted(size, max_message_size(),
                                          "raise simulated_options::largest_message");
}

// -- listening --------------------------------------------------------------------------------

caf::expected<listener_id> simulated_port::listen(const listen_request& request) {
  if (request.pipe_name.empty())
    return make_error(errc::missing_pipe_name);
  if (auto err = check_message_size(request.max_message_size))
    return err;
  std::lock_guard guard{network_->mutex};
  auto what = "cannot listen on " + request.pipe_name;
  if (happens(network_->faults.failed_listens, detail::mark::fault_failed_listen))
    return errors::failed(errc::out_of_resources, what, EMFILE);
  if (happens(network_->faults.busy_names, detail::mark::fault_busy_name))
    return errors::failed(errc::pipe_busy, what);
  if (network_->names.count(request.pipe_name) != 0)
    return errors::failed(errc::pipe_in_use, what);
  auto& l = listeners_.add([&](listener& l) {
    l.gate.on_open([this] { wake(); });
    l.pipe_name = request.pipe_name;
    l.backlog = std::make_shared<simulated_backlog>();
    l.backlog->mode = request.mode;
    l.backlog->limit = std::max<size_t>(request.backlog, 1);
    network_->names.emplace(l.pipe_name, l.backlog);
  });
  return l.id;
}

std::string simulated_port::address(listener_id id) const {
  auto* l = listeners_.find(id);
  return l != nullptr ? l->pipe_name : std::string{};
}

void simulated_port::stop_listening(listener_id id) {
  std::lock_guard guard{network_->mutex};
  listeners_.stop(id);
}

void simulated_port::serve_listeners() {
  listeners_.for_each([this](listener& l) {
    if (l.closing())
      end_accepting(l);
    else
      begin_accepting(l);
  });
}

bool simulated_port::can_accept(const listener& l) const {
  return !l.backlog->waiting.empty() && l.gate.is_open() && !l.accepting_is_busy
         && !is_resting(l, network_->now_locked());
}

void simulated_port::begin_accepting(listener& l) {
  if (can_accept(l) && happens(faults_.dead_listeners, detail::mark::fault_dead_listener)) {
    fail(l, errors::failed(errc::os_error, "cannot accept clients of " + l.pipe_name, EINVAL));
    return;
  }
  lane accepted{l.life, &l.accepting_is_busy};
  auto& waiting = l.backlog->waiting;
  while (can_accept(l)) {
    l.rest_until = time_point::min();
    if (happens(faults_.exhausted_accepts, detail::mark::fault_exhausted_accept)) {
      constexpr std::array codes{EMFILE, ENFILE, ENOBUFS, ENOMEM};
      rest(l, network_->now_locked(), l.pipe_name,
           errors::failed(errc::out_of_resources, "cannot accept", codes[pick(codes.size())]));
      break;
    }
    if (happens(faults_.aborted_accepts, detail::mark::fault_aborted_accept)) {
      waiting.front().close(true);
      waiting.pop_front();
      continue;
    }
    // Shared: a std::function must be copyable. Kept: its destructor takes the network's mutex.
    auto& raw = accepted_.emplace_back(std::make_shared<raw_pipe_ptr>());
    *raw = std::make_unique<simulated_pipe>(network_, waiting.front());
    (*raw)->ticket = l.gate.admit();
    waiting.pop_front();
    accepted.add([this, id = l.id, raw] { handler_->on_accepted(id, std::move(*raw)); });
  }
  if (waiting.empty())
    all_accepted(l);
  else if (!l.gate.is_open())
    detail::pass(detail::mark::accept_gate_full);
  add(std::move(accepted));
}

/// Gives the name back. As on Linux, clients that were not accepted see a reset.
void simulated_port::end_accepting(listener& l) {
  network_->names.erase(l.pipe_name);
  for (auto& end : std::exchange(l.backlog->waiting, {}))
    end.close(true);
  lane closed{l.life, nullptr};
  closed.add([this, &l] { close_listener(l); });
  add(std::move(closed));
}

void simulated_port::close_listener(listener& l) {
  auto id = l.id;
  auto reason = std::move(l.reason);
  // A ticket that comes back calls wake(), which takes the network's mutex: not in that order.
  auto gate = std::move(l.gate);
  {
    std::lock_guard guard{network_->mutex};
    listeners_.remove(l);
  }
  handle_was_closed();
  handler_->on_listener_closed(id, reason);
}

// -- discovery --------------------------------------------------------------------------------

pipe_finder simulated_port::finder() const {
  return [network = network_](const std::string& pattern) { return network->find(pattern); };
}

// -- pipes ------------------------------------------------------------------------------------

caf::expected<raw_pipe_ptr> simulated_port::connect(const std::string& pipe_name, pipe_mode mode) {
  {
    std::lock_guard guard{network_->mutex};
    if (happens(network_->faults.failed_connects, detail::mark::fault_failed_connect)) {
      constexpr std::array errors{std::pair{errc::pipe_busy, EAGAIN},
                                  std::pair{errc::no_such_pipe, ECONNREFUSED},
                                  std::pair{errc::out_of_resources, EMFILE}};
      auto [code, os_code] = errors[pick(errors.size())];
      return errors::failed(code, "cannot connect to " + pipe_name, os_code);
    }
  }
  auto end = network_->connect(pipe_name, mode, this_process());
  if (!end)
    return std::move(end.error());
  return raw_pipe_ptr{std::make_unique<simulated_pipe>(network_, std::move(*end))};
}

void simulated_port::adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) {
  auto peer = raw->peer();
  auto& s = slots_.take(pipe);
  s.end = static_cast<simulated_pipe&>(*raw).release(*network_);
  assert(s.end.link->mode == pipe->settings().mode);
  std::lock_guard guard{network_->mutex};
  set_connected(*pipe, network_->next_handle++, std::move(peer));
}

void simulated_port::start_reading(pipe_record& pipe) {
  if (auto* s = slots_.slot_of(pipe)) {
    std::lock_guard guard{network_->mutex};
    s->reads_wanted = pipe_slot::every_message;
  }
}

void simulated_port::pause_reading(pipe_record& pipe) {
  auto* s = slots_.slot_of(pipe);
  if (s != nullptr && s->reads_wanted == pipe_slot::every_message) {
    std::lock_guard guard{network_->mutex};
    s->reads_wanted = 0;
  }
}

void simulated_port::read_one(pipe_record& pipe) {
  auto* s = slots_.slot_of(pipe);
  if (s != nullptr && s->reads_wanted != pipe_slot::every_message) {
    std::lock_guard guard{network_->mutex};
    ++s->reads_wanted;
  }
}

size_t simulated_port::bytes_sent_of_oldest(pipe_record& pipe) noexcept {
  auto* s = slots_.slot_of(pipe);
  return s != nullptr && s->taken == 0 ? s->front_offset : 0;
}

void simulated_port::write(pipe_record& pipe, payload data) {
  assert(!data.empty());
  assert(pipe.settings().mode == pipe_mode::byte || data.size() <= max_message_size());
  if (auto* s = slots_.slot_of(pipe)) {
    std::lock_guard guard{network_->mutex};
    s->writes.push_back(std::move(data));
    slots_.mark_dirty(*s);
  }
}

void simulated_port::close(pipe_record& pipe) {
  auto* s = slots_.slot_of(pipe);
  if (s != nullptr && !s->closing()) {
    std::lock_guard guard{network_->mutex};
    s->life = life_state::closing;
    set_closing(pipe);
    slots_.mark_dirty(*s);
  }
}

// -- a turn -----------------------------------------------------------------------------------

caf::error simulated_port::turn(time_point deadline, completion_handler& handler) {
  assert(handler_ == nullptr && "turn() from inside a callback");
  handler_ = &handler;
  take_late();
  {
    std::unique_lock guard{network_->mutex};
    sleep(guard, deadline);
    woken_ = false;
    faults_ = network_->faults;
    cut_some();
    serve_listeners();
    serve_slots();
    // Another port may be waiting for the room or the bytes.
    network_->changed.notify_all();
  }
  accepted_.clear();
  dispatch();
  handler_ = nullptr;
  // This network never fails as a whole.
  return caf::none;
}

void simulated_port::wake() noexcept {
  std::lock_guard guard{network_->mutex};
  woken_ = true;
  network_->changed.notify_all();
}

bool simulated_port::ready() {
  auto result = !lanes_.empty() || !late_.empty();
  listeners_.for_each([&](listener& l) { result |= l.closing() || can_accept(l); });
  slots_.for_each(
    [&](slot& s) { result |= s.closing() || can_read(s) || can_write(s) || has_dropped(s); });
  return result;
}

void simulated_port::sleep(std::unique_lock<std::mutex>& guard, time_point deadline) {
  listeners_.for_each([&](listener& l) {
    if (is_resting(l, network_->now_locked()))
      deadline = std::min(deadline, l.rest_until);
  });
  auto never = deadline == time_point::max();
  if (network_->options.clock == simulated_clock::virtual_time) {
    // Time stands still while any port has work: a jump would be unfair to its timers.
    if (!never && !woken_ && deadline > network_->virtual_now && !network_->any_port_ready())
      network_->virtual_now = deadline;
    return;
  }
  auto done = [this] { return woken_ || ready(); };
  // A standard library that converts the deadline to another clock would overflow with the greatest
  // time point, and hang.
  if (never)
    network_->changed.wait(guard, done);
  else if (deadline > clock::now())
    network_->changed.wait_until(guard, deadline, done);
}

void simulated_port::cut_some() {
  if (faults_.cuts == 0)
    return;
  slots_.for_each([this](slot& s) {
    if (!s.closing() && !s.end.in().was_reset() && happens(faults_.cuts, detail::mark::fault_cut))
      s.end.cut();
  });
}

void simulated_port::serve_slots() {
  slots_.serve_dirty([this](slot& s) { serve_slot(s); });
  // Input comes unasked.
  slots_.for_each([this](slot& s) { begin_reading(s); });
}

void simulated_port::serve_slot(slot& s) {
  if (!s.closing())
    return begin_writing(s);
  if (happens(faults_.slow_closes, detail::mark::fault_slow_close)) {
    slots_.mark_dirty(s);
    return;
  }
  lane closed{s.life, nullptr};
  closed.add([this, &s] { finish_close(s); });
  add(std::move(closed));
}

void simulated_port::add(lane reports) {
  if (reports.done())
    return;
  reports.busy(true);
  lanes_.push_back(std::move(reports));
}

/// Goes on with reports that were late, except those of what is closed since. Without the mutex: a
/// pipe that nobody took is closed here.
void simulated_port::take_late() {
  for (auto& reports : std::exchange(late_, {}))
    if (reports.done())
      reports.busy(false);
    else
      lanes_.push_back(std::move(reports));
}

void simulated_port::dispatch() {
  while (!lanes_.empty()) {
    std::swap(lanes_[pick(lanes_.size())], lanes_.back());
    auto& chosen = lanes_.back();
    if (!chosen.done() && chosen.can_be_late()
        && happens(faults_.late_completions, detail::mark::fault_late_completion)) {
      late_.push_back(std::move(chosen));
      lanes_.pop_back();
      continue;
    }
    if (!chosen.done())
      chosen.run_next();
    if (chosen.done()) {
      chosen.busy(false);
      lanes_.pop_back();
    }
  }
}

bool simulated_port::happens(uint32_t one_in, detail::mark fault) {
  if (one_in == 0 || random_() % one_in != 0)
    return false;
  detail::pass(fault);
  return true;
}

size_t simulated_port::pick(size_t count) {
  assert(count > 0);
  return static_cast<size_t>(random_() % count);
}

// -- closing ----------------------------------------------------------------------------------

void simulated_port::finish_close(slot& s) {
  clear_handle(*s.pipe);
  {
    std::lock_guard guard{network_->mutex};
    s.end.close(false);
    network_->changed.notify_all();
  }
  handle_was_closed();
  if (s.taken > 0)
    detail::pass(detail::mark::cancel_lost);
  fail_writes(s, s.writes.size(), make_error(errc::operation_aborted));
  pipe_record_ptr pipe;
  {
    std::lock_guard guard{network_->mutex};
    if (!s.writes.empty()) {
      // A handler wrote once more when a write failed.
      slots_.mark_dirty(s);
      return;
    }
    pipe = slots_.release(s);
  }
  set_closed(*pipe);
  handler_->on_closed(*pipe);
}

} // namespace pipeactor::port
