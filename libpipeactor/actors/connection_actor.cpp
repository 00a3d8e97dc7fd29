#include "actors/connection_actor.hpp"

#include "pipeactor/error.hpp"
#include "base/errors.hpp"
#include "base/log.hpp"
#include "base/special_messages.hpp"

#include <algorithm>
#include <stdexcept>

namespace pipeactor::detail {

connection_actor::connection_actor(caf::actor_config& cfg, bridge_connections_ptr bridge,
                                   connection_record_ptr record,
                                   const connection_settings& settings)
    : connection_base(cfg, std::move(record)), bridge_(std::move(bridge)),
      coordinator_(settings.coordinator), events_(*this, settings.handler),
      make_session_(settings.make_session),
      pending_(*this, events_, settings.options, bridge_->memory()),
      timers_(bridge_->bridge(), *this),
      state_(settings.outgoing ? connection_state::opening : connection_state::connected),
      send_limit_(settings.send_limit), continuously_read_(settings.options.continuously_read) {}

// -- the table --------------------------------------------------------------------------------

connection_action connection_actor::apply(connection_event event) noexcept {
  auto [action, next] = transition_of(state_, event);
  state_ = next;
  return action;
}

connection_action connection_actor::action_of(connection_event event) const noexcept {
  return transition_of(state_, event).action;
}

port::completion_port* connection_actor::port_of_pipe() noexcept {
  auto state = record().state();
  auto is_adopted = state == port::pipe_state::connected || state == port::pipe_state::closing;
  return is_adopted ? bridge_->port() : nullptr;
}

// -- behavior ---------------------------------------------------------------------------------

caf::behavior connection_actor::make_behavior() {
  set_default_handler(caf::drop);
  set_down_handler([this](caf::down_msg& message) { events_.down(message); });
  set_exit_handler([this](caf::exit_msg& message) { on_exit_message(message.reason); });
  set_error_handler([this](caf::error& error) {
    close(
      make_error(errc::handler_failed, "a request of the session failed, and the session has no "
                                       "error handler for it: "
                                         + describe(error)));
  });
  // In the order in which a message is matched: completions hardly ever come this way.
  auto result = requests().or_else(completions());
  if (auto make = std::exchange(make_session_, nullptr)) {
    try {
      result = result.or_else(events_.make_session(*make));
    } catch (...) {
      // Without its session, only the log can report the connection.
      log_warning("a connection ends, because its session cannot be made: "
                  + describe(handler_threw(std::current_exception())));
    }
  }
  return result;
}

caf::message_handler connection_actor::completions() {
  return {
    [this](const received& x) { handle(x); },
    [this](const sent& x) { handle(x); },
    [this](broadcast_write& x) { handle(x); },
    [this](const write_failed& x) { handle(x); },
    [this](const read_ended& x) { handle(x); },
    [this](const opened& x) { handle(x); },
    [this](const closed& x) { handle(x); },
    [this](const open_pipe& x) { on_open_pipe(x); },
    [this](const raise_refused_operations&) { pending_.raise_refused(); },
    [this](const detail::resume_reading&) { resume_reading(); },
    [this](const end_with_pipe&) { end_with_pipe_closed(); },
    [this](const handler_caught_up&) {
      events_.handler_has_caught_up();
      close_if_drained();
    },
    [this](const timer_expired&) { on_timer(); },
  };
}

void connection_actor::on_exit_message(const caf::error& reason) {
  if (!reason)
    return;
  if (!exit_reason_)
    exit_reason_ = reason;
  if (state_ == connection_state::closed)
    send(this, end_with_pipe{});
  else
    close(make_error(errc::closed_by_us, "the connection's actor was told to exit"));
}

/// All that was sent before the end is handled, and its cookies are back.
void connection_actor::end_with_pipe_closed() {
  pending_.raise_refused();
  if (pending_.has_refused())
    send(this, end_with_pipe{});
  else
    quit(exit_reason_);
}

void connection_actor::on_exit() {
  // Runs on the bridge, or on whichever thread drops the last handle.
  pending_.abandon();
  if (bridge_->bridge().runs_here())
    record().owner = nullptr;
  if (auto timers = timers_.take_all(); !timers.empty())
    if (auto bridge = bridge_->actor())
      caf::anon_send(bridge, cancel_timers{std::move(timers)});
  if (state_ != connection_state::closed) {
    state_ = connection_state::closed;
    if (auto bridge = bridge_->actor())
      caf::anon_send(bridge, abandoned{connection_record_ptr{&record()},
                                       {coordinator_, events_.handler(),
                                        reason_ ? reason_ : make_error(errc::closed_by_us)}});
  }
  coordinator_ = nullptr;
  events_.end();
}

void connection_actor::never_handled(const caf::mailbox_element& element) {
  if (content_as<closed>(element) != nullptr)
    bridge_->bridge().close_handled();
  connection_base::never_handled(element);
}

caf::invoke_message_result connection_actor::consume(caf::mailbox_element& element) {
  handler_pulse::run run{*bridge_->bridge().pulse(), record().id()};
  if (bridge_->port() == nullptr)
    end_own_messages();
  if (element.mid.is_response())
    timers_.answered(element.mid);
  // A session that waits for an answer holds up neither the end nor what was asked before it.
  if (is_awaiting() && (state_ >= connection_state::closing || wins_over_await(element)))
    stop_awaiting();
  return pinned_actor::consume(element);
}

bool connection_actor::wins_over_await(const caf::mailbox_element& element) const {
  return content_as<async_close>(element) != nullptr
         || content_as<caf::exit_msg>(element) != nullptr
         || (content_as<timer_expired>(element) != nullptr && timers_.is_deadline_over());
}

// -- opening ----------------------------------------------------------------------------------

void connection_actor::on_open_pipe(const open_pipe& request) {
  if (state_ != connection_state::opening)
    return;
  auto* port = bridge_->port();
  if (port == nullptr) {
    close(make_error(errc::shutting_down));
    return;
  }
  bridge_->enroll(connection_record_ptr{&record()});
  dialer_ = std::make_unique<dialer>(request.pipe_name, request.timeout, request.reconnect,
                                     request.trusted);
  dial();
}

void connection_actor::dial() {
  auto* port = bridge_->port();
  auto raw = dialer_->dial(*port, record().settings().mode);
  if (raw) {
    port->adopt(connection_record_ptr{&record()}, std::move(*raw));
    dialer_->connected();
    record().was_connected = true;
    handle(opened{});
    return;
  }
  // A server cannot signal that it has room again: ask it again, with back-off.
  if (code_of(raw.error()) == errc::pipe_busy) {
    if (auto when = dialer_->ask_again(port->now())) {
      timers_.retry_at(*when);
      return;
    }
  }
  if (!try_again_later(raw.error()))
    close(raw.error());
}

void connection_actor::handle(const opened& x) noexcept {
  if (x.refused) {
    close(x.refused);
    return;
  }
  // The pipe is closed already if the session could not be made.
  if (apply(connection_event::opened) != connection_action::begin)
    return;
  feed_port();
  resume_reading();
  events_.connected();
  // A close that was asked for earlier is reported after `connected`.
  close_if_drained();
}

bool connection_actor::try_again_later(caf::error reason) {
  auto* port = bridge_->port();
  if (dialer_ == nullptr || port == nullptr || stays_closed_ || closes_after_drain_)
    return false;
  auto delay = dialer_->next_attempt(reason);
  if (!delay)
    return false;
  if (apply(connection_event::reopen) == connection_action::begin_anew) {
    begin_anew(reason);
    if (state_ != connection_state::opening)
      return true;
  }
  timers_.retry_at(later(port->now(), *delay));
  events_.reconnecting(reason, *delay);
  return true;
}

/// Reports now what failed with the lost pipe; a handler may close the connection.
void connection_actor::begin_anew(const caf::error& lost) {
  reason_ = {};
  timers_.cancel_own();
  port::completion_port::reopen(record());
  bridge_->enroll(connection_record_ptr{&record()});
  pending_.raise_refused();
  pending_.fail_reads(lost);
  while (state_ == connection_state::opening && dialer_->writes() == offline_writes::fail
         && !pending_.writes().empty())
    pending_.fail_writes(1, lost);
}

// -- reading ----------------------------------------------------------------------------------

void connection_actor::handle(const received& x) noexcept {
  if (action_of(connection_event::received) != connection_action::deliver)
    return;
  received_.add(1, x.data.size());
  bridge_->total_received.add(1, x.data.size());
  if (continuously_read_ && pending_.reads().empty()) {
    events_.received({}, x.data);
    return;
  }
  pending_.end_read(x.data);
  if (!continuously_read_)
    resume_reading();
}

void connection_actor::read(pipeactor::cookie cookie, answer_promise promise) {
  auto action = action_of(connection_event::read);
  if (action == connection_action::refuse
      || (action == connection_action::pass_on && port_of_pipe() == nullptr)) {
    pending_.refuse(std::move(cookie), std::move(promise), make_error(errc::not_connected));
  } else if (auto err = cookie.check_arrival()) {
    pending_.refuse(std::move(cookie), std::move(promise), std::move(err));
  } else {
    pending_.reads().add({std::move(cookie), std::move(promise)});
    if (action == connection_action::pass_on && !continuously_read_)
      resume_reading();
  }
}

void connection_actor::resume_reading() {
  if (action_of(connection_event::received) != connection_action::deliver)
    return;
  if (auto* port = port_of_pipe())
    pending_.reads().resume(*port);
}

void connection_actor::handle(const read_ended& x) noexcept {
  if (action_of(connection_event::input_ended) != connection_action::drain)
    return;
  // The first reason counts, in the order in which they come.
  if (!reason_)
    reason_ = x.reason;
  auto code = code_of(x.reason);
  if (code != errc::closed_by_peer && code != errc::peer_reset) {
    close(x.reason);
    return;
  }
  // The peer may have closed its writing half only: writes that are queued, and those that the last
  // events make, are still sent.
  apply(connection_event::input_ended);
  events_.await_handler();
  close_if_drained();
  if (state_ == connection_state::draining)
    begin_drain_period();
}

// -- writing ----------------------------------------------------------------------------------

void connection_actor::write(payload data, pipeactor::cookie cookie, answer_promise promise,
                             broadcast_tracker_ptr tracker) {
  auto size = data.size();
  if (size == 0) {
    if (promise)
      promise->deliver(caf::unit);
    return;
  }
  auto refusal = refusal_of_write(data, cookie);
  if (!refusal) {
    if (auto* write = pending_.add_write(size)) {
      write->data = std::move(data);
      write->cookie = std::move(cookie);
      write->promise = std::move(promise);
      write->tracker = std::move(tracker);
      feed_port();
      return;
    }
  }
  auto& writes = pending_.writes();
  auto too_slow = !refusal && writes.is_full(size);
  if (!refusal)
    refusal = too_slow ? make_error(errc::queue_full)
                       : errors::memory_limit_reached(size, bridge_->memory()->limit());
  if (tracker)
    tracker->count(false);
  pending_.refuse(std::move(cookie), std::move(promise), *refusal);
  if (too_slow && writes.policy() == write_queue_policy::disconnect)
    close(std::move(*refusal));
}

void connection_actor::handle(broadcast_write& x) noexcept {
  write(std::move(x.data), std::move(x.cookie), nullptr, std::move(x.tracker));
}

std::optional<caf::error>
connection_actor::refusal_of_write(const payload& data, const pipeactor::cookie& cookie) const {
  auto action = action_of(connection_event::write);
  if (action == connection_action::refuse)
    return make_error(errc::not_connected);
  if (closes_after_drain_)
    return make_error(errc::not_connected, "the connection is about to close: no more writes");
  if (action == connection_action::queue && record().was_connected
      && dialer_->writes() == offline_writes::fail)
    return make_error(errc::not_connected, "the connection was lost, and is not back yet");
  if (!cookie.empty())
    if (auto err = cookie.check_arrival())
      return err;
  if (send_limit_ != 0 && data.size() > send_limit_)
    return errors::write_too_large(data.size(), send_limit_);
  return std::nullopt;
}

void connection_actor::feed_port() {
  auto& writes = pending_.writes();
  if (!writes.has_waiting() || action_of(connection_event::write) != connection_action::pass_on)
    return;
  if (auto* port = port_of_pipe())
    if (auto failure = pending_.feed(*port))
      close(std::move(failure));
}

void connection_actor::handle(const sent& x) noexcept {
  auto bytes = pending_.end_writes(x.count);
  sent_.add(x.count, bytes);
  bridge_->total_sent.add(x.count, bytes);
  feed_port();
  close_if_drained();
}

void connection_actor::handle(const write_failed& x) noexcept {
  pending_.fail_writes(x.count, x.reason);
  feed_port();
  close_if_drained();
}

// -- failing ----------------------------------------------------------------------------------

caf::error connection_actor::handler_threw(std::exception_ptr thrown) {
  auto reason = failure_of(std::move(thrown));
  close(reason);
  return reason;
}

// -- the end ----------------------------------------------------------------------------------

void connection_actor::close(caf::error reason) noexcept {
  if (!is_temporary(code_of(reason)))
    stays_closed_ = true;
  auto action = apply(connection_event::close);
  stop_awaiting();
  if (action != connection_action::none && !reason_)
    reason_ = std::move(reason);
  if (action == connection_action::close_pipe) {
    if (auto* port = port_of_pipe())
      port->close(record());
  } else if (action == connection_action::finish) {
    bridge_->forget(record());
    finish();
  }
}

void connection_actor::close_after_drain(caf::timespan deadline) {
  if (bridge_->port() == nullptr)
    return;
  // One whose pipe is lost, and just being closed, does not come back.
  closes_after_drain_ = true;
  if (apply(connection_event::close_after_drain) == connection_action::close_when_drained) {
    timers_.close_after(deadline);
    close_if_drained();
  }
}

void connection_actor::on_drained() {
  if (state_ == connection_state::draining && events_.handler_caught_up())
    close(reason_);
  else if (state_ == connection_state::connected && closes_after_drain_)
    close(make_error(errc::closed_by_us));
}

void connection_actor::handle(const closed&) noexcept {
  bridge_->bridge().close_handled();
  if (try_again_later(reason_) || apply(connection_event::pipe_closed) != connection_action::finish)
    return;
  finish();
  // An actor that waits for an answer lives until it comes, and whatever its session holds would
  // delay the end of the actor system.
  if (awaits_responses() && bridge_->bridge().is_stopping()) {
    end_own_messages();
    events_.drop_session();
  }
}

void connection_actor::end_own_messages() {
  if (events_.session() == nullptr || std::exchange(own_messages_ended_, true))
    return;
  // The session's handlers point to it.
  forget_pending_responses();
  become(requests().or_else(completions()));
  events_.ignore_requests();
}

/// The pipe is closed, or was never made.
void connection_actor::finish() noexcept {
  if (!reason_)
    reason_ = make_error(errc::closed_by_us, "the context ended");
  dialer_ = nullptr;
  if (bridge_->port() != nullptr)
    timers_.cancel_own();
  auto aborted = code_of(reason_) == errc::closed_by_us ? make_error(errc::operation_aborted)
                                                        : reason_;
  // Writes that the port never had; it has reported the others.
  pending_.fail_writes(pending_.writes().size(), aborted);
  pending_.raise_refused();
  pending_.fail_reads(aborted);
  if (record().outgoing && !record().was_connected)
    events_.connect_failed(reason_);
  else
    events_.disconnected(reason_);
  events_.end();
  // The requester of the close may ask the server next.
  if (coordinator_)
    send(coordinator_, connection_closed{record().id()});
  coordinator_ = nullptr;
  pending_.end_closes();
  if (exit_reason_ || home_system().registry().get(id()))
    send(this, end_with_pipe{});
}

// -- timers -----------------------------------------------------------------------------------

void connection_actor::on_timer() noexcept {
  if (timers_.is_deadline_over() || (timers_.take_drain_period() && !begin_drain_period()))
    close(reason_ ? reason_ : make_error(errc::closed_by_us));
  else if (timers_.take_retry() && apply(connection_event::retry_due) == connection_action::dial)
    dial();
}

/// The peer writes no more: it has to take something in each period, or this returns false.
bool connection_actor::begin_drain_period() {
  auto* port = port_of_pipe();
  if (port == nullptr)
    return false;
  timers_.begin_drain_period(defaults::drain_timeout);
  auto before = std::exchange(drained_bytes_, sent_.bytes + port->bytes_sent_of_oldest(record()));
  return drained_bytes_ != before;
}

// -- statistics -------------------------------------------------------------------------------

connection_stats connection_actor::stats() const {
  connection_stats result;
  result.id = record().id();
  result.is_connected = record().is_connected();
  result.messages_received = received_.messages;
  result.bytes_received = received_.bytes;
  result.messages_sent = sent_.messages;
  result.bytes_sent = sent_.bytes;
  result.messages_failed = pending_.num_failed();
  result.read_queue_messages = record().account->messages();
  result.read_queue_bytes = record().account->bytes();
  result.write_queue_messages = pending_.writes().size();
  result.write_queue_bytes = pending_.writes().bytes();
  return result;
}

} // namespace pipeactor::detail
