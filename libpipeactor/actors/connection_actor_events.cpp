#include "actors/connection_actor.hpp"

#include "pipeactor/error.hpp"

namespace pipeactor::detail {

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
  ++counters_.messages_failed;
  if (session_) {
    call_session([&](session& s) { s.message_failed(cookie, error); });
    return;
  }
  auto handler = handler_ ? handler_ : caf::actor_cast<caf::actor>(late_handler_);
  send_to_handler<client_message_failed, message_failed>(handler, cookie, error);
}

void connection_actor::raise_reconnecting(const caf::error& reason, caf::timespan delay) {
  if (session_)
    call_session([&](session& s) { s.reconnecting(reason, delay); });
  else
    send_to_handler<reconnecting, reconnecting>(handler_, reason, delay);
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

void connection_actor::raise_down(const caf::down_msg& message) {
  if (session_)
    call_session([&](session& s) { s.down(message); });
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

} // namespace pipeactor::detail
