#include "pipeactor/detail/connection_actor.hpp"

#include "pipeactor/error.hpp"

#include <algorithm>

namespace pipeactor::detail {

connection_actor::connection_actor(caf::actor_config& cfg, completion_bridge_ptr bridge,
                                   connection_record_ptr record, const connection_setup& setup)
    : pinned_actor(cfg), bridge_(std::move(bridge)), record_(std::move(record)),
      coordinator_(setup.coordinator), handler_(setup.handler), make_session_(setup.make_session),
      phase_(setup.outgoing ? phase::opening : phase::connected), send_limit_(setup.send_limit),
      write_queue_byte_limit_(setup.options.write_queue_bytes),
      write_queue_message_limit_(setup.options.write_queue_messages),
      write_queue_policy_(setup.options.write_queue_policy),
      continuously_read_(setup.options.continuously_read) {}

connection_actor::~connection_actor() = default;

const char* connection_actor::name() const {
  return "pipeactor.connection";
}

// -- behavior ---------------------------------------------------------------------------------

caf::behavior connection_actor::make_behavior() {
  set_default_handler(caf::drop);
  set_down_handler([this](caf::down_msg& message) {
    if (session_)
      call_session([&](session& s) { s.down(message); });
  });
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
  auto result = completions().or_else(requests());
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
    [this](const received& x) { on_received(x.data); },
    [this](const sent& x) { on_sent(x.count); },
    [this](broadcast_write& x) {
      write(std::move(x.data), std::move(x.cookie), {}, std::move(x.tracker));
    },
    [this](const write_failed& x) { on_write_failed(x.count, x.reason); },
    [this](const read_ended& x) { on_read_ended(x.reason); },
    [this](const opened& x) { on_opened(x.refused); },
    [this](const open_pipe& x) { on_open_pipe(x); },
    [this](const closed&) { on_closed(); },
    [this](const raise_refused&) { raise_refused_operations(); },
    [this](const resume_reading&) {
      if (phase_ == phase::connected && continuously_read_ && !pipe_is_closed())
        bridge_->port()->start_reading(*record_);
    },
    [this](const handler_caught_up&) {
      handler_caught_up_ = true;
      close_if_drained();
    },
    [this](const timer_expired&) {
      if (phase_ == phase::opening)
        try_to_connect();
      else if (phase_ == phase::draining)
        close(reason_);
    },
  };
}

caf::message_handler connection_actor::requests() {
  return {
    [this](const async_write& x) -> caf::response_promise {
      auto promise = promise_of_request();
      write(x.data, x.cookie, promise);
      return promise;
    },
    [this](const async_read& x) -> caf::response_promise {
      auto promise = promise_of_request();
      read(x.cookie, promise);
      return promise;
    },
    [this](const async_close&) -> caf::response_promise {
      auto promise = promise_of_request();
      if (promise.pending() && phase_ == phase::closed)
        promise.deliver(caf::unit);
      else if (promise.pending())
        closers_.push_back(promise);
      close(make_error(errc::closed_by_us));
      return promise;
    },
  };
}

void connection_actor::on_exit() {
  // Runs on the bridge, or on whichever thread drops the last handle.
  auto aborted = make_error(errc::operation_aborted);
  for (; !writes_.empty(); writes_.pop_front()) {
    if (writes_.front().promise.pending())
      writes_.front().promise.deliver(aborted);
  }
  for (; !reads_.empty(); reads_.pop_front()) {
    if (reads_.front().promise.pending())
      reads_.front().promise.deliver(aborted);
  }
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

// -- requests ---------------------------------------------------------------------------------

void connection_actor::write(payload data, pipeactor::cookie cookie, caf::response_promise promise,
                             broadcast_tracker_ptr tracker) {
  auto size = data.size();
  if (size == 0) {
    if (promise.pending())
      promise.deliver(caf::unit);
    return;
  }
  if (phase_ > phase::draining || pipe_is_closed()) {
    refuse(std::move(cookie), std::move(promise), make_error(errc::not_connected));
  } else if (send_limit_ != 0 && size > send_limit_) {
    refuse(std::move(cookie), std::move(promise),
           make_error(errc::message_too_large,
                      "the message has " + std::to_string(size) + " bytes, the limit is "
                        + std::to_string(send_limit_) + ": raise it, or use byte mode"));
  } else if (queue_is_full(size)) {
    auto reason = make_error(errc::queue_full);
    refuse(std::move(cookie), std::move(promise), reason);
    if (write_queue_policy_ == write_queue_policy::disconnect)
      close(std::move(reason));
  } else {
    write_queue_bytes_ += size;
    writes_.push_back({std::move(cookie), size, std::move(promise), std::move(tracker)});
    if (phase_ == phase::opening)
      unsent_.push_back(std::move(data));
    else
      bridge_->port()->write(*record_, std::move(data));
    return;
  }
  if (tracker)
    tracker->count(false);
}

void connection_actor::read(pipeactor::cookie cookie, caf::response_promise promise) {
  if (phase_ > phase::connected || pipe_is_closed()) {
    refuse(std::move(cookie), std::move(promise), make_error(errc::not_connected));
  } else if (continuously_read_) {
    refuse(std::move(cookie), std::move(promise),
           make_error(errc::invalid_option, "async_read needs continuously_read to be false"));
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

// -- connecting -------------------------------------------------------------------------------

void connection_actor::on_open_pipe(const open_pipe& request) {
  auto* port = bridge_->port();
  if (port == nullptr || phase_ != phase::opening)
    return;
  bridge_->enroll(record_);
  attempt_ = std::make_unique<connection_attempt>();
  attempt_->pipe_name = request.pipe_name;
  attempt_->deadline = port->now() + request.timeout;
  try_to_connect();
}

void connection_actor::try_to_connect() {
  auto* port = bridge_->port();
  auto raw = port->connect(attempt_->pipe_name, record_->settings().mode);
  if (raw) {
    attempt_ = nullptr;
    phase_ = phase::connected;
    port->adopt(record_, std::move(*raw));
    for (auto& data : std::exchange(unsent_, {}))
      port->write(*record_, std::move(data));
    for (auto count = reads_.size(); count > 0; --count)
      port->read_one(*record_);
    on_opened({});
    return;
  }
  auto now = port->now();
  if (code_of(raw.error()) != errc::pipe_busy || now >= attempt_->deadline) {
    close(raw.error());
    return;
  }
  // Servers have no bell to ring when an instance is free: ask again, ever more seldom.
  bridge_->call_at(std::min(now + attempt_->backoff, attempt_->deadline),
                   caf::actor_cast<caf::weak_actor_ptr>(ctrl()));
  attempt_->backoff = std::min<port::clock::duration>(attempt_->backoff * 2,
                                                      defaults::connect_backoff_limit);
}

// -- completions ------------------------------------------------------------------------------

void connection_actor::on_opened(const caf::error& refused) {
  if (refused) {
    close(refused);
    return;
  }
  // A session that could not be made has closed the pipe already, and hears nothing.
  if (code_of(reason_) == errc::handler_failed)
    return;
  // Who had the handle before this may have asked to close: that is heard of after it.
  if (phase_ == phase::connected && continuously_read_ && !pipe_is_closed())
    bridge_->port()->start_reading(*record_);
  raise_connected();
}

void connection_actor::on_received(const payload& data) {
  if (phase_ != phase::connected)
    return;
  if (continuously_read_) {
    raise_received({}, data);
    return;
  }
  if (reads_.empty())
    return;
  auto read = std::move(reads_.front());
  reads_.pop_front();
  if (read.promise.pending())
    read.promise.deliver(data);
  raise_received(read.cookie, data);
}

void connection_actor::on_read_ended(const caf::error& reason) {
  if (phase_ != phase::connected)
    return;
  // Reasons are kept in the order in which they come: the first one tells.
  if (!reason_)
    reason_ = reason;
  auto code = code_of(reason);
  if (code != errc::closed_by_peer && code != errc::peer_reset) {
    close(reason);
    return;
  }
  // The peer may have closed its writing half only: what is queued for it, and what the
  // last events make us write, still goes out.
  phase_ = phase::draining;
  if (!pipe_is_closed())
    record_->state(port::pipe_state::closing);
  auto self = caf::actor_cast<caf::weak_actor_ptr>(ctrl());
  if (handler_)
    send_fence(handler_,
               fence{std::shared_ptr<void>{nullptr, [self](void*) {
                                             if (auto strong = caf::actor_cast<caf::actor>(self))
                                               caf::anon_send(strong, handler_caught_up{});
                                           }}});
  else
    handler_caught_up_ = true;
  close_if_drained();
  if (phase_ == phase::draining && !pipe_is_closed())
    bridge_->call_at(bridge_->port()->now() + defaults::drain_timeout, std::move(self));
}

void connection_actor::on_sent(size_t count) {
  for (; count > 0; --count) {
    auto write = std::move(writes_.front());
    writes_.pop_front();
    write_queue_bytes_ -= write.size;
    if (write.promise.pending())
      write.promise.deliver(caf::unit);
    if (write.tracker)
      write.tracker->count(true);
    raise_sent(write.cookie);
  }
  close_if_drained();
}

void connection_actor::on_write_failed(size_t count, const caf::error& reason) {
  for (; count > 0; --count) {
    auto write = std::move(writes_.front());
    writes_.pop_front();
    write_queue_bytes_ -= write.size;
    if (write.promise.pending())
      write.promise.deliver(reason);
    if (write.tracker)
      write.tracker->count(false);
    raise_failed(write.cookie, reason);
  }
  close_if_drained();
}

void connection_actor::on_closed() {
  finish();
}

/// The pipe is closed, or was never made.
void connection_actor::finish() {
  auto never_connected = phase_ == phase::opening;
  // At the context's end the bridge closes the pipe, and asks nobody.
  if (!reason_)
    reason_ = make_error(errc::closed_by_us, "the context ended");
  phase_ = phase::closed;
  attempt_ = nullptr;
  unsent_.clear();
  auto aborted = code_of(reason_) == errc::closed_by_us ? make_error(errc::operation_aborted)
                                                        : reason_;
  // Of a pipe that was never made; others were reported by the port.
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
}

// -- events -----------------------------------------------------------------------------------

template <class ServerEvent, class ClientEvent, class... Ts>
void connection_actor::send_to_handler(const caf::actor& handler, const Ts&... xs) {
  if (handler && record_->outgoing)
    send(handler, ClientEvent{handle(), xs...});
  else if (handler)
    send(handler, ServerEvent{handle(), xs...});
}

template <class F>
void connection_actor::call_session(F handler) {
  try {
    handler(*session_);
  } catch (...) {
    handler_threw(std::current_exception());
  }
}

void connection_actor::raise_connected() {
  if (session_)
    call_session([](session& s) { s.connected(); });
  else
    send_to_handler<client_connected, pipeactor::connected>(handler_);
}

void connection_actor::raise_received(const pipeactor::cookie& cookie, const payload& data) {
  if (session_)
    call_session([&](session& s) { s.message_received(cookie, data); });
  else
    send_to_handler<client_message_received, message_received>(handler_, cookie, data);
}

void connection_actor::raise_sent(const pipeactor::cookie& cookie) {
  if (session_)
    call_session([&](session& s) { s.message_sent(cookie); });
  else
    send_to_handler<client_message_sent, message_sent>(handler_, cookie);
}

void connection_actor::raise_failed(const pipeactor::cookie& cookie, const caf::error& error) {
  if (session_) {
    call_session([&](session& s) { s.message_failed(cookie, error); });
    return;
  }
  auto handler = handler_ ? handler_ : caf::actor_cast<caf::actor>(late_handler_);
  send_to_handler<client_message_failed, message_failed>(handler, cookie, error);
}

void connection_actor::raise_connect_failed() {
  if (session_)
    call_session([this](session& s) { s.connect_failed(reason_); });
  else
    send_to_handler<connect_failed, connect_failed>(handler_, record_->id(), reason_);
}

void connection_actor::raise_disconnected() {
  if (session_)
    call_session([this](session& s) { s.disconnected(reason_); });
  else
    send_to_handler<client_disconnected, pipeactor::disconnected>(handler_, record_->id(), reason_);
}

caf::error connection_actor::handler_threw(std::exception_ptr error) {
  std::string text = "a handler of the session threw";
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::exception& e) {
    text += std::string{": "} + e.what();
  } catch (...) {
    text += " something that is not a std::exception";
  }
  auto reason = make_error(errc::handler_failed, std::move(text));
  close(reason);
  return reason;
}

// -- helpers ----------------------------------------------------------------------------------

void connection_actor::refuse(pipeactor::cookie cookie, caf::response_promise promise,
                              caf::error reason) {
  if (promise.pending())
    promise.deliver(reason);
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
    if (read.promise.pending())
      read.promise.deliver(reason);
    raise_failed(read.cookie, reason);
  }
}

bool connection_actor::queue_is_full(size_t size) const noexcept {
  // A single message may exceed the limit, or it could never be sent.
  return !writes_.empty()
         && (write_queue_bytes_ + size > write_queue_byte_limit_
             || writes_.size() >= write_queue_message_limit_);
}

bool connection_actor::pipe_is_closed() const noexcept {
  return record_->state() == port::pipe_state::closed;
}

void connection_actor::close_if_drained() {
  if (phase_ == phase::draining && writes_.empty() && handler_caught_up_)
    close(reason_);
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
