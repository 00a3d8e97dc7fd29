#include "bridge/completion_bridge.hpp"

#include "pipeactor/error.hpp"
#include "actors/bridge_actor.hpp"
#include "actors/connection_actor.hpp"
#include "base/caf_0_17/special_messages.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <cassert>
#include <future>

namespace pipeactor {

namespace {

/// The bridge whose turn the calling thread runs.
thread_local const completion_bridge* running_bridge = nullptr;

/// Returns the actor that owns a pipe, or an empty pointer where it is gone.
caf::strong_actor_ptr actor_of(const detail::connection_record& record) {
  return caf::actor_cast<caf::strong_actor_ptr>(record.owner);
}

/// @param actor one that spawn_connection() made
template <class Handle>
detail::connection_actor& connection_of(const Handle& actor) {
  return *static_cast<detail::connection_actor*>(caf::actor_cast<caf::abstract_actor*>(actor));
}

} // namespace

completion_bridge::completion_bridge(caf::actor_system& sys, port_factory make_port,
                                     detail::memory_account_ptr memory,
                                     detail::handler_watch* watch)
    : caf::execution_unit(&sys), make_port_(std::move(make_port)), memory_(std::move(memory)),
      watch_(watch) {}

completion_bridge::~completion_bridge() {
  assert(port_ == nullptr);
  assert(connections_.empty());
}

// -- life -------------------------------------------------------------------------------------

caf::error completion_bridge::open() {
  auto port = make_port_();
  if (!port) {
    stopped_ = true;
    return port.error();
  }
  port_ = std::move(*port);
  kind_ = port_->kind();
  actor_ = detail::spawn_pinned<detail::bridge_actor>(system(), this, completion_bridge_ptr{this});
  send_as(caf::actor_cast<caf::strong_actor_ptr>(actor_));
  return caf::none;
}

caf::error completion_bridge::open_with_thread() {
  std::promise<caf::error> opened;
  auto result = opened.get_future();
  thread_ = std::thread{[this, &opened] {
    auto err = open();
    auto failed = static_cast<bool>(err);
    opened.set_value(std::move(err));
    if (!failed)
      run();
  }};
  auto err = result.get();
  if (err)
    thread_.join();
  return err;
}

void completion_bridge::run() {
  while (!finished())
    turn(port::time_point::max());
  finish();
}

void completion_bridge::turn(port::time_point deadline) {
  auto* outer = std::exchange(running_bridge, this);
  working_ = false;
  if (stopping_.load(std::memory_order_acquire))
    close_all();
  take_inbox();
  if (!jobs_.empty())
    deadline = port::time_point::min();
  else if (!timers_.empty())
    deadline = std::min(deadline, timers_.begin()->first);
  if (auto failure = port_->turn(deadline, *this); failure && !stopping_.exchange(true))
    detail::log_warning("a bridge ends, for its port failed: " + describe(failure));
  served_ = nullptr;
  fire_timers();
  take_inbox();
  run_jobs();
  served_ = nullptr;
  running_bridge = outer;
}

void completion_bridge::shut_down() {
  stopping_.store(true, std::memory_order_release);
  {
    std::lock_guard guard{mutex_};
    if (stopped_)
      return;
    port_->wake();
  }
  if (!thread_.joinable()) {
    while (!finished())
      turn(port_->now());
    finish();
  }
}

void completion_bridge::join() {
  if (thread_.joinable())
    thread_.join();
}

bool completion_bridge::finished() const noexcept {
  return stopping_.load(std::memory_order_acquire) && connections_.empty() && servers_.empty()
         && jobs_.empty() && !inbox_filled_.load(std::memory_order_acquire);
}

void completion_bridge::finish() {
  caf::actor actor;
  {
    std::lock_guard guard{mutex_};
    stopped_ = true;
    std::swap(actor, actor_);
    port_.reset();
  }
  // From here on the scheduler runs what was ours.
  take_inbox();
  for (auto& job : jobs_)
    detail::forward_to_scheduler(system(), job.release());
  jobs_.clear();
  timers_.clear();
  send_as(nullptr);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

void completion_bridge::close_all() {
  for (auto& [listener, server] : servers_)
    port_->stop_listening(listener);
  // An opening connection has no pipe yet that could be closed; and closing it at once
  // changes the list.
  for (auto& record : connections_)
    if (record->state() != port::pipe_state::opening)
      port_->close(*record);
    else if (auto actor = caf::actor_cast<caf::actor>(record->owner))
      caf::anon_send(actor, async_close{});
}

// -- any thread -------------------------------------------------------------------------------

void completion_bridge::exec_later(caf::resumable* what) {
  detail::job job{what, false};
  if (!detail::is_pinned(*what)) {
    detail::forward_to_scheduler(system(), job.release());
    return;
  }
  if (running_bridge == this) {
    jobs_.push_back(std::move(job));
    return;
  }
  {
    std::lock_guard guard{mutex_};
    if (!stopped_) {
      inbox_.push_back(std::move(job));
      inbox_filled_.store(true, std::memory_order_release);
      if (inbox_.size() == 1)
        port_->wake();
      return;
    }
  }
  detail::forward_to_scheduler(system(), job.release());
}

caf::actor completion_bridge::actor() const {
  std::lock_guard guard{mutex_};
  return actor_;
}

// -- actors of this bridge --------------------------------------------------------------------

void completion_bridge::serve(port::listener_id listener, caf::actor server) {
  servers_.emplace(listener, std::move(server));
}

caf::actor completion_bridge::spawn_connection(const detail::connection_settings& setup) {
  port::pipe_settings settings;
  settings.mode = setup.options.mode;
  settings.receive_limit = setup.receive_limit;
  auto account = caf::make_counted<detail::read_account>(setup.options.read_queue_bytes,
                                                         setup.options.read_queue_messages,
                                                         memory_);
  auto record = caf::make_counted<detail::connection_record>(settings, account,
                                                             setup.coordinator_id, setup.outgoing);
  auto actor = detail::spawn_pinned<detail::connection_actor>(system(), this,
                                                              completion_bridge_ptr{this}, record,
                                                              setup);
  record->owner = caf::actor_cast<caf::weak_actor_ptr>(actor);
  account->owner(record->owner);
  return actor;
}

void completion_bridge::enroll(connection_record_ptr record) {
  record->index = connections_.size();
  connections_.push_back(std::move(record));
  num_connections_.store(connections_.size(), std::memory_order_relaxed);
}

void completion_bridge::forget(detail::connection_record& record) {
  if (record.state() == port::pipe_state::opening)
    port::completion_port::abort_opening(record);
  if (record.index == detail::connection_record::not_enrolled)
    return;
  connections_[record.index] = connections_.back();
  connections_[record.index]->index = record.index;
  record.index = detail::connection_record::not_enrolled;
  connections_.pop_back();
  num_connections_.store(connections_.size(), std::memory_order_relaxed);
}

void completion_bridge::open_connection(const detail::connection_settings& setup,
                                        port::raw_pipe_ptr raw) {
  auto actor = spawn_connection(setup);
  named_pipe_connection connection{actor};
  auto record = connection_record_ptr{&connection_of(actor).record()};
  enroll(record);
  port_->adopt(record, std::move(raw));
  caf::error refused;
  if (!port_->guards_access() && !setup.access.admits(record->peer()))
    refused = make_error(errc::access_denied, "a client that server_options::access does not admit "
                                              "was refused: "
                                                + to_string(record->peer()));
  caf::anon_send(setup.coordinator, detail::connection_opened{std::move(connection)});
  deliver(*record, detail::opened{std::move(refused)});
}

void completion_bridge::broadcast(const detail::broadcast_job& job) {
  for (auto& record : connections_) {
    if (record->coordinator_id == job.coordinator_id
        && record->state() == port::pipe_state::connected)
      deliver(*record, job.write);
  }
}

detail::bridge_report completion_bridge::report(uint64_t coordinator_id) {
  detail::bridge_report result;
  result.bridge.port = to_string(kind_);
  result.bridge.connections = connections_.size();
  result.bridge.turns = pulse_->turns();
  result.bridge.messages_received = messages_received_;
  result.bridge.bytes_received = bytes_received_;
  result.bridge.messages_sent = messages_sent_;
  result.bridge.bytes_sent = bytes_sent_;
  result.bridge.slow_handlers = pulse_->slow_handlers();
  for (auto& record : connections_)
    if (auto actor = actor_of(*record); actor && record->coordinator_id == coordinator_id)
      result.connections.push_back(connection_of(actor).stats());
  return result;
}

void completion_bridge::abandon(const detail::abandoned& what) {
  auto& record = *what.record;
  record.abandoned = true;
  record.coordinator = what.coordinator;
  record.handler = what.handler;
  record.reason = what.reason;
  switch (record.state()) {
  case port::pipe_state::opening:
    forget(record);
    if (record.handler && !record.was_connected)
      caf::anon_send(std::exchange(record.handler, nullptr),
                     connect_failed{{}, record.id(), record.reason});
    tell_abandoned(record);
    break;
  case port::pipe_state::connected:
  case port::pipe_state::closing:
    port_->close(record);
    break;
  case port::pipe_state::closed:
    tell_abandoned(record);
  }
}

/// Says what the connection's actor can't say any more.
void completion_bridge::tell_abandoned(detail::connection_record& record) {
  auto handler = std::exchange(record.handler, nullptr);
  auto coordinator = std::exchange(record.coordinator, nullptr);
  if (handler && record.outgoing)
    caf::anon_send(handler, disconnected{named_pipe_connection{}, record.id(), record.reason});
  else if (handler)
    caf::anon_send(handler,
                   client_disconnected{named_pipe_connection{}, record.id(), record.reason});
  if (coordinator)
    caf::anon_send(coordinator, detail::connection_closed{record.id()});
}

void completion_bridge::call_at(port::time_point when, caf::weak_actor_ptr who) {
  timers_.emplace(when, timer{std::move(who), std::nullopt});
}

void completion_bridge::answer_at(port::time_point when, caf::weak_actor_ptr who,
                                  caf::message_id response) {
  timers_.emplace(when, timer{std::move(who), response});
}

// -- completions ------------------------------------------------------------------------------

template <class T>
void completion_bridge::deliver(detail::connection_record& record, T message) {
  if (served_ == nullptr || &connection_of(served_).record() != &record)
    served_ = actor_of(record);
  if (served_ == nullptr || record.abandoned)
    return;
  begin_work();
  pulse_->begin(record.id());
  std::get<detail::reusable_element<T>>(elements_).deliver(connection_of(served_),
                                                           std::move(message));
  pulse_->end();
}

namespace {

detail::connection_record& record_of(port::pipe_record& pipe) {
  return static_cast<detail::connection_record&>(pipe);
}

} // namespace

void completion_bridge::on_accepted(port::listener_id listener, port::raw_pipe_ptr accepted) {
  if (auto i = servers_.find(listener); i != servers_.end())
    caf::anon_send(i->second, detail::client_accepted{
                                std::make_shared<port::raw_pipe_ptr>(std::move(accepted))});
}

void completion_bridge::on_listener_closed(port::listener_id listener, const caf::error& reason) {
  if (reason)
    detail::log_warning("a server ends, for it cannot accept any more: " + describe(reason));
  if (auto server = servers_.extract(listener); !server.empty())
    caf::anon_send(server.mapped(), detail::listener_closed{});
}

void completion_bridge::on_received(port::pipe_record& pipe, payload data) {
  auto& record = record_of(pipe);
  ++messages_received_;
  bytes_received_ += data.size();
  deliver(record, detail::received{std::move(data)});
  if (record.account->must_pause())
    port_->pause_reading(pipe);
}

void completion_bridge::on_read_ended(port::pipe_record& pipe, const caf::error& reason) {
  deliver(record_of(pipe), detail::read_ended{reason});
}

void completion_bridge::on_sent(port::pipe_record& pipe, size_t count) {
  deliver(record_of(pipe), detail::sent{count});
}

void completion_bridge::on_write_failed(port::pipe_record& pipe, size_t count,
                                        const caf::error& reason) {
  deliver(record_of(pipe), detail::write_failed{count, reason});
}

void completion_bridge::on_closed(port::pipe_record& pipe) {
  auto record = connection_record_ptr{&record_of(pipe)};
  forget(*record);
  if (record->abandoned)
    tell_abandoned(*record);
  else
    deliver(*record, detail::closed{});
}

// -- the loop ---------------------------------------------------------------------------------

void completion_bridge::take_inbox() {
  if (!inbox_filled_.load(std::memory_order_acquire))
    return;
  {
    std::lock_guard guard{mutex_};
    std::swap(taken_, inbox_);
    inbox_filled_.store(false, std::memory_order_relaxed);
  }
  for (auto& job : taken_)
    jobs_.push_back(std::move(job));
  taken_.clear();
}

void completion_bridge::send_as(const caf::strong_actor_ptr& sender) {
  std::apply([&](auto&... elements) { (elements.sender(sender), ...); }, elements_);
}

void completion_bridge::begin_work() noexcept {
  if (std::exchange(working_, true))
    return;
  pulse_->turn();
  if (watch_ != nullptr)
    watch_->awake();
}

void completion_bridge::run_jobs() {
  if (!jobs_.empty())
    begin_work();
  // What becomes ready meanwhile waits for the next turn, lest two actors that talk to
  // each other keep completions waiting.
  for (auto count = std::min(jobs_.size(), defaults::jobs_per_turn); count > 0; --count) {
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    if (auto more = detail::run_job(this, std::move(job), defaults::messages_per_job))
      jobs_.push_back(std::move(more));
  }
}

void completion_bridge::fire_timers() {
  if (timers_.empty())
    return;
  auto now = port_->now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto fired = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    auto actor = caf::actor_cast<caf::actor>(fired.who);
    if (!actor)
      continue;
    if (fired.response)
      detail::send_response(actor, *fired.response, caf::make_error(caf::sec::request_timeout));
    else
      caf::anon_send(actor, detail::timer_expired{});
  }
}

completion_bridge& least_loaded(const std::vector<completion_bridge_ptr>& bridges) {
  auto fewest = std::min_element(bridges.begin(), bridges.end(), [](auto& lhs, auto& rhs) {
    return lhs->num_connections() < rhs->num_connections();
  });
  return **fewest;
}

} // namespace pipeactor
