#include "actors/bridge_connections.hpp"

#include "pipeactor/error.hpp"
#include "base/exception_text.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <cassert>

namespace pipeactor::detail {

namespace {

/// Reports the end of a connection whose actor is gone.
void tell_heirs(connection_record& record) {
  auto heirs = std::exchange(record.abandoned_to, {});
  if (heirs.handler && record.outgoing)
    caf::anon_send(heirs.handler, disconnected{named_pipe_connection{}, record.id(), heirs.reason});
  else if (heirs.handler)
    caf::anon_send(heirs.handler,
                   client_disconnected{named_pipe_connection{}, record.id(), heirs.reason});
  if (heirs.coordinator)
    caf::anon_send(heirs.coordinator, connection_closed{record.id()});
}

} // namespace

bridge_connections::bridge_connections(caf::actor_system& sys, port_factory make_port,
                                       memory_account_ptr memory, handler_watch* watch)
    : memory_(std::move(memory)),
      bridge_(caf::make_counted<completion_bridge>(sys, std::move(make_port),
                                                   static_cast<bridge_residents&>(*this), watch)) {}

bridge_connections::~bridge_connections() {
  assert(connections_.empty());
  assert(servers_.empty());
}

void report_turned_away(std::exception_ptr thrown) {
  log_warning("a client is turned away, because its connection cannot be made: "
              + text_of(std::move(thrown)));
}

// -- any thread -------------------------------------------------------------------------------

caf::actor bridge_connections::actor() const {
  std::lock_guard guard{mutex_};
  return actor_;
}

void bridge_connections::actor(caf::actor value) {
  std::lock_guard guard{mutex_};
  std::swap(actor_, value);
}

bridge_connections& least_loaded(const std::vector<bridge_connections_ptr>& bridges) {
  auto fewest = std::min_element(bridges.begin(), bridges.end(),
                                 [](auto& lhs, auto& rhs) { return lhs->size() < rhs->size(); });
  return **fewest;
}

// -- listeners --------------------------------------------------------------------------------

void bridge_connections::serve(port::listener_id listener, caf::actor server) {
  servers_.emplace(listener, std::move(server));
}

void bridge_connections::on_accepted(port::listener_id listener, port::raw_pipe_ptr raw) {
  auto server = servers_.find(listener);
  if (server == servers_.end())
    return;
  try {
    caf::anon_send(server->second,
                   client_accepted{std::make_shared<port::raw_pipe_ptr>(std::move(raw))});
  } catch (...) {
    report_turned_away(std::current_exception());
  }
}

void bridge_connections::on_listener_closed(port::listener_id listener, const caf::error& reason) {
  if (reason)
    log_warning("a server cannot accept any more: " + describe(reason));
  if (auto server = servers_.extract(listener); !server.empty())
    caf::anon_send(server.mapped(), listener_closed{reason});
}

// -- connections ------------------------------------------------------------------------------

void bridge_connections::enroll(connection_record_ptr record) {
  connections_.push_back(std::move(record));
  connections_.back()->index = connections_.size() - 1;
  size_.store(connections_.size(), std::memory_order_relaxed);
}

void bridge_connections::remove(connection_record& record) {
  if (record.index == connection_record::not_enrolled)
    return;
  connections_[record.index] = connections_.back();
  connections_[record.index]->index = record.index;
  record.index = connection_record::not_enrolled;
  record.quota = {};
  connections_.pop_back();
  size_.store(connections_.size(), std::memory_order_relaxed);
}

void bridge_connections::forget(connection_record& record) {
  if (record.state() == port::pipe_state::connected) {
    port()->close(record);
    return;
  }
  if (record.state() == port::pipe_state::opening)
    port::completion_port::abort_opening(record);
  remove(record);
}

void bridge_connections::on_closed(owned_pipe& pipe) {
  auto& record = static_cast<connection_record&>(pipe);
  remove(record);
  tell_heirs(record);
}

void bridge_connections::begin(connection_record& record, opened what) {
  // Others know the actor already: what they have sent to it must not come first.
  bridge_->deliver_now<connection_base>(record, opened_element_, std::move(what));
}

void bridge_connections::broadcast(const broadcast_job& job) {
  for (auto& record : connections_)
    if (record->coordinator_id == job.coordinator_id
        && record->state() == port::pipe_state::connected)
      bridge_->deliver<connection_base>(*record, broadcast_element_, broadcast_write{job.write});
}

void bridge_connections::abandon(const abandoned& what) {
  auto& record = *what.record;
  record.owner = nullptr;
  record.abandoned_to = what.heirs;
  switch (record.state()) {
  case port::pipe_state::opening:
    forget(record);
    if (auto& handler = record.abandoned_to.handler; handler && !record.was_connected)
      caf::anon_send(std::exchange(handler, nullptr),
                     connect_failed{named_pipe_connection{}, record.id(),
                                    record.abandoned_to.reason});
    tell_heirs(record);
    break;
  case port::pipe_state::connected:
  case port::pipe_state::closing:
    port()->close(record);
    break;
  case port::pipe_state::closed:
    tell_heirs(record);
  }
}

bridge_report bridge_connections::report(uint64_t coordinator_id) {
  bridge_report result;
  auto& pulse = *bridge_->pulse();
  result.bridge.port = to_string(bridge_->kind());
  result.bridge.connections = connections_.size();
  result.bridge.turns = pulse.turns();
  result.bridge.messages_received = total_received.messages;
  result.bridge.bytes_received = total_received.bytes;
  result.bridge.messages_sent = total_sent.messages;
  result.bridge.bytes_sent = total_sent.bytes;
  result.bridge.slow_handlers = pulse.slow_handlers();
  for (auto& record : connections_) {
    if (record->coordinator_id != coordinator_id)
      continue;
    if (auto owner = caf::actor_cast<caf::strong_actor_ptr>(record->owner))
      result.connections.push_back(
        static_cast<connection_base*>(caf::actor_cast<caf::abstract_actor*>(owner))->stats());
  }
  return result;
}

// -- the end ----------------------------------------------------------------------------------

void bridge_connections::close_all() {
  for (auto& [listener, server] : servers_)
    port()->stop_listening(listener);
  // From the back: a connection that is still opening leaves the list at once.
  for (auto left = connections_.size(); left > 0; left = std::min(left - 1, connections_.size())) {
    auto record = connections_[left - 1];
    if (!bridge_->deliver_shutting_down(*record))
      port()->close(*record);
  }
}

bool bridge_connections::is_empty() const noexcept {
  return connections_.empty() && servers_.empty();
}

void bridge_connections::on_finished() {
  caf::actor last;
  {
    std::lock_guard guard{mutex_};
    std::swap(last, actor_);
  }
  caf::anon_send_exit(last, caf::exit_reason::user_shutdown);
}

} // namespace pipeactor::detail
