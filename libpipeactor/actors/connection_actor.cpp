#include "actors/connection_actor.hpp"

#include "pipeactor/error.hpp"

#include <algorithm>

namespace pipeactor::detail {

namespace {

promise_of_answer answer(const caf::response_promise& promise) {
  return promise.pending() ? std::make_unique<caf::response_promise>(promise) : nullptr;
}

} // namespace

connection_actor::connection_actor(caf::actor_config& cfg, completion_bridge_ptr bridge,
                                   connection_record_ptr record, const connection_settings& setup)
    : pinned_actor(cfg), bridge_(std::move(bridge)), record_(std::move(record)),
      coordinator_(setup.coordinator), handler_(setup.handler), make_session_(setup.make_session),
      writes_(setup.options, bridge_->memory()),
      phase_(setup.outgoing ? phase::opening : phase::connected), send_limit_(setup.send_limit),
      continuously_read_(setup.options.continuously_read) {}

connection_actor::~connection_actor() = default;

const char* connection_actor::name() const {
  return "pipeactor.connection";
}

// -- behavior ---------------------------------------------------------------------------------

caf::behavior connection_actor::make_behavior() {
  set_default_handler(caf::drop);
  set_down_handler([this](caf::down_msg& message) { raise_down(message); });
  set_exit_handler([this](caf::exit_msg& message) {
    if (!message.reason)
      return;
    if (phase_ == phase::closed) {
      quit(message.reason);
      return;
    }
    exit_reason_ = message.reason;
    close(make_error(errc::closed_by_us, "the connection's actor was told to exit"));
  });
  // In the order in which a message is matched: completions hardly ever come this way.
  auto result = requests().or_else(completions());
  if (make_session_) {
    try {
      session_ = make_session_();
      session_->owner_ = this;
      result = result.or_else(session_->message_handlers());
    } catch (...) {
      handler_threw(std::current_exception());
    }
    make_session_ = nullptr;
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
    [this](const raise_refused&) { raise_refused_operations(); },
    [this](const resume_reading&) {
      if (phase_ == phase::connected && continuously_read_ && !pipe_is_closed())
        bridge_->port()->start_reading(*record_);
    },
    [this](const end_with_pipe&) { quit(); },
    [this](const handler_caught_up&) {
      handler_caught_up_ = true;
      close_if_drained();
    },
    [this](const timer_expired&) { on_timer(); },
  };
}

caf::message_handler connection_actor::requests() {
  return {
    [this](const async_write& x) -> caf::response_promise {
      auto promise = promise_of_request();
      write(x.data, x.cookie, answer(promise));
      return promise;
    },
    [this](const async_read& x) -> caf::response_promise {
      auto promise = promise_of_request();
      read(x.cookie, answer(promise));
      return promise;
    },
    [this](const async_close&) {
      auto promise = promise_of_close();
      close(make_error(errc::closed_by_us));
      return promise;
    },
    [this](const pipeactor::close_after_drain& x) {
      auto promise = promise_of_close();
      close_after_drain(x.deadline);
      return promise;
    },
    [this](const get_stats&) { return stats(); },
  };
}

void connection_actor::on_exit() {
  // Runs on the bridge, or on whichever thread drops the last handle.
  auto aborted = make_error(errc::operation_aborted);
  while (!writes_.empty())
    if (auto write = writes_.pop(); write.promise)
      write.promise->deliver(aborted);
  for (; !reads_.empty(); reads_.pop_front())
    if (auto& promise = reads_.front().promise)
      promise->deliver(aborted);
  for (; !closers_.empty(); closers_.pop_front())
    closers_.front().deliver(caf::unit);
  if (phase_ != phase::closed) {
    phase_ = phase::closed;
    if (auto bridge = bridge_->actor())
      caf::anon_send(bridge, abandoned{record_, coordinator_, handler_,
                                       reason_ ? reason_ : make_error(errc::closed_by_us)});
  }
  coordinator_ = nullptr;
  handler_ = nullptr;
  session_.reset();
}

caf::invoke_message_result connection_actor::consume(caf::mailbox_element& element) {
  struct watched_run {
    explicit watched_run(handler_pulse& pulse, uint64_t id) noexcept : pulse(pulse) {
      pulse.begin(id);
    }
    ~watched_run() {
      pulse.end();
    }
    handler_pulse& pulse;
  };
  watched_run run{*bridge_->pulse(), record_->id()};
  return pinned_actor::consume(element);
}

// -- requests ---------------------------------------------------------------------------------

void connection_actor::write(payload data, pipeactor::cookie cookie, promise_of_answer promise,
                             broadcast_tracker_ptr tracker) {
  auto size = data.size();
  if (size == 0) {
    if (promise)
      promise->deliver(caf::unit);
    return;
  }
  auto refusal = refusal_of_write(data, cookie);
  auto disconnects = false;
  if (!refusal && writes_.is_full(size)) {
    if (writes_.policy() == write_queue_policy::drop_oldest) {
      drop_writes(size);
    } else {
      refusal = make_error(errc::queue_full);
      disconnects = writes_.policy() == write_queue_policy::disconnect;
    }
  }
  if (!refusal) {
    writes_.push(
      {std::move(data), size, std::move(cookie), std::move(promise), std::move(tracker)});
    feed_port();
    return;
  }
  if (tracker)
    tracker->count(false);
  refuse(std::move(cookie), std::move(promise), *refusal);
  if (disconnects)
    close(std::move(*refusal));
}

std::optional<caf::error>
connection_actor::refusal_of_write(const payload& data, const pipeactor::cookie& cookie) const {
  if (phase_ > phase::draining || pipe_is_closed())
    return make_error(errc::not_connected);
  if (closes_after_drain_)
    return make_error(errc::not_connected, "the connection is about to close: no more writes");
  if (phase_ == phase::opening && record_->was_connected
      && dialer_->writes() == offline_writes::fail)
    return make_error(errc::not_connected, "the connection was lost, and is not back yet");
  if (!cookie.empty())
    if (auto err = cookie.check_arrival())
      return err;
  if (send_limit_ != 0 && data.size() > send_limit_)
    return make_error(errc::message_too_large,
                      "the message has " + std::to_string(data.size()) + " bytes, the limit is "
                        + std::to_string(send_limit_) + ": raise it, or use byte mode");
  return std::nullopt;
}

/// Makes room for a message of `size` bytes, if need be.
void connection_actor::drop_writes(size_t size) {
  while (writes_.has_waiting() && writes_.is_full(size)) {
    auto write = writes_.pop_waiting();
    if (write.tracker)
      write.tracker->count(false);
    refuse(std::move(write.cookie), std::move(write.promise),
           make_error(errc::queue_full, "dropped for a newer message: the peer does not read"));
  }
}

void connection_actor::feed_port() {
  if (phase_ == phase::opening || phase_ > phase::draining || pipe_is_closed())
    return;
  while (writes_.has_waiting() && writes_.port_has_room())
    bridge_->port()->write(*record_, writes_.hand_over());
}

void connection_actor::read(pipeactor::cookie cookie, promise_of_answer promise) {
  if (phase_ > phase::connected || pipe_is_closed()) {
    refuse(std::move(cookie), std::move(promise), make_error(errc::not_connected));
  } else if (continuously_read_) {
    refuse(std::move(cookie), std::move(promise),
           make_error(errc::invalid_option, "async_read needs continuously_read to be false"));
  } else if (auto err = cookie.check_arrival()) {
    refuse(std::move(cookie), std::move(promise), std::move(err));
  } else {
    reads_.push_back({std::move(cookie), std::move(promise)});
    if (phase_ == phase::connected)
      bridge_->port()->read_one(*record_);
  }
}

void connection_actor::close(caf::error reason) {
  if (phase_ > phase::draining)
    return;
  if (!reason_)
    reason_ = std::move(reason);
  if (phase_ == phase::opening) {
    bridge_->forget(*record_);
    finish();
    return;
  }
  phase_ = phase::closing;
  if (!pipe_is_closed())
    bridge_->port()->close(*record_);
}

void connection_actor::close_after_drain(caf::timespan deadline) {
  auto* port = bridge_->port();
  if (port == nullptr || phase_ > phase::draining)
    return;
  closes_after_drain_ = true;
  drain_deadline_ = std::min(drain_deadline_, later(port->now(), deadline));
  call_at(drain_deadline_);
  close_if_drained();
}

void connection_actor::time_out_request(caf::message_id response, caf::timespan timeout) {
  if (auto* port = bridge_->port())
    bridge_->answer_at(later(port->now(), timeout), caf::actor_cast<caf::weak_actor_ptr>(ctrl()),
                       response);
}

connection_stats connection_actor::stats() const {
  connection_stats result;
  result.id = record_->id();
  result.is_connected = record_->state() == port::pipe_state::connected;
  result.messages_received = counters_.messages_received;
  result.bytes_received = counters_.bytes_received;
  result.messages_sent = counters_.messages_sent;
  result.bytes_sent = counters_.bytes_sent;
  result.messages_failed = counters_.messages_failed;
  result.read_queue_messages = record_->account->messages();
  result.read_queue_bytes = record_->account->bytes();
  result.write_queue_messages = writes_.size();
  result.write_queue_bytes = writes_.bytes();
  return result;
}

// -- the end ----------------------------------------------------------------------------------

/// The pipe is closed, or was never made.
void connection_actor::finish() {
  auto never_connected = record_->outgoing && !record_->was_connected;
  // At the context's end the bridge closes the pipe, and asks nobody.
  if (!reason_)
    reason_ = make_error(errc::closed_by_us, "the context ended");
  phase_ = phase::closed;
  dialer_ = nullptr;
  auto aborted = code_of(reason_) == errc::closed_by_us ? make_error(errc::operation_aborted)
                                                        : reason_;
  // What the port never had; the rest was reported by it.
  if (!writes_.empty())
    on_write_failed(writes_.size(), aborted);
  raise_refused_operations();
  fail_reads(aborted);
  if (never_connected)
    raise_connect_failed();
  else
    raise_disconnected();
  late_handler_ = caf::actor_cast<caf::weak_actor_ptr>(handler_);
  handler_ = nullptr;
  // Who waits for the close may ask the server next.
  if (coordinator_)
    send(coordinator_, connection_closed{record_->id()});
  coordinator_ = nullptr;
  for (; !closers_.empty(); closers_.pop_front())
    closers_.front().deliver(caf::unit);
  if (exit_reason_)
    quit(exit_reason_);
  else if (home_system().registry().get(id()))
    send(this, end_with_pipe{});
}

void connection_actor::drop_session() {
  // Handlers of the session's point to it.
  forget_pending_responses();
  become(requests().or_else(completions()));
  session_ = nullptr;
}

// -- helpers ----------------------------------------------------------------------------------

void connection_actor::refuse(pipeactor::cookie cookie, promise_of_answer promise,
                              caf::error reason) {
  if (promise)
    promise->deliver(reason);
  if (refused_.empty())
    caf::anon_send(caf::actor{this}, raise_refused{});
  refused_.push_back({std::move(cookie), std::move(reason)});
}

void connection_actor::raise_refused_operations() {
  while (!refused_.empty()) {
    auto operation = std::move(refused_.front());
    refused_.pop_front();
    raise_failed(operation.cookie, operation.reason);
  }
}

void connection_actor::fail_reads(const caf::error& reason) {
  while (!reads_.empty()) {
    auto read = std::move(reads_.front());
    reads_.pop_front();
    if (read.promise)
      read.promise->deliver(reason);
    raise_failed(read.cookie, reason);
  }
}

bool connection_actor::pipe_is_closed() const noexcept {
  return record_->state() == port::pipe_state::closed;
}

void connection_actor::call_at(port::time_point when) {
  bridge_->call_at(when, caf::actor_cast<caf::weak_actor_ptr>(ctrl()));
}

/// Returns the promise to answer when the pipe is closed.
caf::response_promise connection_actor::promise_of_close() {
  auto promise = promise_of_request();
  if (promise.pending() && phase_ == phase::closed)
    promise.deliver(caf::unit);
  else if (promise.pending())
    closers_.push_back(promise);
  return promise;
}

named_pipe_connection connection_actor::handle() {
  return named_pipe_connection{caf::actor{this}};
}

// -- broadcast_tracker ------------------------------------------------------------------------

broadcast_tracker::broadcast_tracker(uint64_t id, caf::actor server)
    : id_(id), server_(std::move(server)) {}

broadcast_tracker::~broadcast_tracker() {
  caf::anon_send(server_, broadcast_ended{id_, {sent_.load(), failed_.load()}});
}

} // namespace pipeactor::detail
