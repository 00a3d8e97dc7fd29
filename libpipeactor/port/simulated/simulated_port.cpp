#include "port/simulated/simulated_port.hpp"

#include "base/errors.hpp"

#include <algorithm>
#include <cassert>

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
  auto& published = network_->names[request.pipe_name];
  if (published != nullptr)
    return errors::failed(errc::pipe_in_use, "cannot listen on " + request.pipe_name);
  published = std::make_shared<simulated_backlog>();
  published->mode = request.mode;
  published->limit = std::max<size_t>(request.backlog, 1);
  auto& l = listeners_.add();
  l.gate.on_open([this] { wake(); });
  l.pipe_name = request.pipe_name;
  l.backlog = published;
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

void simulated_port::begin_accepting(listener& l) {
  lane accepted{l.life};
  for (auto& waiting = l.backlog->waiting; !waiting.empty() && l.gate.is_open();) {
    // Shared: a std::function must be copyable.
    auto raw = std::make_shared<raw_pipe_ptr>(
      std::make_unique<simulated_pipe>(network_, waiting.front()));
    (*raw)->ticket = l.gate.admit();
    waiting.pop_front();
    accepted.add([this, id = l.id, raw] { handler_->on_accepted(id, std::move(*raw)); });
  }
  add(std::move(accepted));
}

/// Gives the name back. As on Linux, clients that were not accepted see a reset.
void simulated_port::end_accepting(listener& l) {
  network_->names.erase(l.pipe_name);
  for (auto& end : std::exchange(l.backlog->waiting, {}))
    end.close(true);
  lane closed{l.life};
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
  handler_->on_listener_closed(id, reason);
}

// -- discovery --------------------------------------------------------------------------------

pipe_finder simulated_port::finder() const {
  return [network = network_](const std::string& pattern) { return network->find(pattern); };
}

// -- pipes ------------------------------------------------------------------------------------

caf::expected<raw_pipe_ptr> simulated_port::connect(const std::string& pipe_name, pipe_mode mode) {
  auto end = network_->connect(pipe_name, mode, this_process());
  if (!end)
    return std::move(end.error());
  return raw_pipe_ptr{std::make_unique<simulated_pipe>(network_, std::move(*end))};
}

void simulated_port::adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) {
  auto end = static_cast<simulated_pipe&>(*raw).release(*network_);
  assert(end.link->mode == pipe->settings().mode);
  std::lock_guard guard{network_->mutex};
  auto& s = slots_.take(pipe);
  s.end = std::move(end);
  set_connected(*pipe, network_->next_handle++, s.end.peer());
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
  {
    std::unique_lock guard{network_->mutex};
    sleep(guard, deadline);
    woken_ = false;
    serve_listeners();
    serve_slots();
    // Another port may be waiting for the room or the bytes.
    network_->changed.notify_all();
  }
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
  auto result = false;
  listeners_.for_each([&](listener& l) {
    result |= l.closing() || (!l.backlog->waiting.empty() && l.gate.is_open());
  });
  slots_.for_each(
    [&](slot& s) { result |= s.closing() || can_read(s) || can_write(s) || has_dropped(s); });
  return result;
}

void simulated_port::sleep(std::unique_lock<std::mutex>& guard, time_point deadline) {
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

void simulated_port::serve_slots() {
  slots_.serve_dirty([this](slot& s) { serve_slot(s); });
  // Input comes unasked.
  slots_.for_each([this](slot& s) { begin_reading(s); });
}

void simulated_port::serve_slot(slot& s) {
  if (!s.closing())
    return begin_writing(s);
  lane closed{s.life};
  closed.add([this, &s] { finish_close(s); });
  add(std::move(closed));
}

void simulated_port::add(lane reports) {
  if (!reports.done())
    lanes_.push_back(std::move(reports));
}

void simulated_port::dispatch() {
  while (!lanes_.empty()) {
    auto& chosen = lanes_[pick(lanes_.size())];
    if (!chosen.done())
      chosen.run_next();
    if (chosen.done()) {
      std::swap(chosen, lanes_.back());
      lanes_.pop_back();
    }
  }
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
