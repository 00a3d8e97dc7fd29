#include "actors/event_sink.hpp"

#include "pipeactor/error.hpp"
#include "actors/internal_messages.hpp"
#include "base/exception_text.hpp"
#include "base/marks.hpp"
#include "base/special_messages.hpp"

#include <stdexcept>

namespace pipeactor::detail {

caf::error failure_of(std::exception_ptr thrown) {
  return make_error(errc::handler_failed,
                    "a handler of the session threw: " + text_of(std::move(thrown)));
}

event_sink::~event_sink() {
  clear();
}

caf::message_handler event_sink::make_session(const session_factory& make) {
  session_ = make();
  if (session_ == nullptr)
    throw std::logic_error{"the session factory returned no session"};
  session_->owner_ = &connection_;
  session_->system_ = &connection_.system();
  try {
    return session_->message_handlers();
  } catch (...) {
    drop_session();
    throw;
  }
}

void event_sink::ignore_requests() noexcept {
  session_->context_has_ended_ = true;
}

void event_sink::drop_session() noexcept {
  if (session_ == nullptr)
    return;
  // It no longer has a connection: the last handle may be gone.
  session_->owner_ = nullptr;
  session_.reset();
}

template <class ServerEvent, class ClientEvent, class... Ts>
void event_sink::send(const caf::actor& handler, const Ts&... xs) {
  if (!handler)
    return;
  named_pipe_connection connection{caf::actor{&connection_}, connection_.record()};
  if (connection_.record().outgoing)
    connection_.send(handler, ClientEvent{std::move(connection), xs...});
  else
    connection_.send(handler, ServerEvent{std::move(connection), xs...});
}

template <class F>
void event_sink::call(F handler) {
  try {
    handler(*session_);
  } catch (...) {
    pass(mark::session_threw);
    connection_.handler_threw(std::current_exception());
  }
}

// -- events -----------------------------------------------------------------------------------

void event_sink::connected() {
  if (session_)
    call([](pipeactor::session& s) { s.connected(); });
  else
    send<client_connected, pipeactor::connected>(handler_);
}

void event_sink::connect_failed(const caf::error& reason) {
  if (session_)
    call([&](pipeactor::session& s) { s.connect_failed(reason); });
  else
    send<pipeactor::connect_failed, pipeactor::connect_failed>(handler_, connection_.record().id(),
                                                               reason);
}

void event_sink::received(const cookie& cookie, const payload& data) {
  if (session_)
    call([&](pipeactor::session& s) { s.message_received(cookie, data); });
  else
    send<client_message_received, message_received>(handler_, cookie, data);
}

void event_sink::sent(const cookie& cookie) {
  if (session_)
    call([&](pipeactor::session& s) { s.message_sent(cookie); });
  else
    send<client_message_sent, message_sent>(handler_, cookie);
}

void event_sink::failed(const cookie& cookie, const caf::error& reason) {
  if (session_) {
    call([&](pipeactor::session& s) { s.message_failed(cookie, reason); });
    return;
  }
  auto handler = handler_ ? handler_ : caf::actor_cast<caf::actor>(late_handler_);
  send<client_message_failed, message_failed>(handler, cookie, reason);
}

void event_sink::failed_late(const cookie& cookie, const caf::error& reason) const {
  auto handler = caf::actor_cast<caf::actor>(late_handler_);
  if (!handler)
    return;
  // The last handle may be gone: it must not come back.
  named_pipe_connection connection;
  if (connection_.ctrl()->strong_refs > 0)
    connection = named_pipe_connection{caf::actor{&connection_}, connection_.record()};
  if (connection_.record().outgoing)
    caf::anon_send(handler, message_failed{std::move(connection), cookie, reason});
  else
    caf::anon_send(handler, client_message_failed{std::move(connection), cookie, reason});
}

void event_sink::reconnecting(const caf::error& reason, caf::timespan delay) {
  if (session_)
    call([&](pipeactor::session& s) { s.reconnecting(reason, delay); });
  else
    send<pipeactor::reconnecting, pipeactor::reconnecting>(handler_, reason, delay);
}

void event_sink::disconnected(const caf::error& reason) {
  if (session_)
    call([&](pipeactor::session& s) { s.disconnected(reason); });
  else
    send<client_disconnected, pipeactor::disconnected>(handler_, connection_.record().id(), reason);
}

void event_sink::down(const caf::down_msg& message) {
  if (session_)
    call([&](pipeactor::session& s) { s.down(message); });
}

// -- the end ----------------------------------------------------------------------------------

void event_sink::await_handler() {
  handler_caught_up_ = !handler_;
  if (handler_caught_up_)
    return;
  auto self = caf::actor_cast<caf::weak_actor_ptr>(connection_.ctrl());
  auto caught_up = [self] {
    if (auto strong = caf::actor_cast<caf::actor>(self))
      caf::anon_send(strong, detail::handler_caught_up{});
  };
  if (handler_->node() == connection_.home_system().node())
    send_fence(handler_, fence{std::shared_ptr<void>{nullptr, [=](void*) { caught_up(); }}});
  else // a fence can't travel
    when_caught_up(connection_, handler_, caught_up);
}

void event_sink::end() noexcept {
  if (handler_)
    late_handler_ = caf::actor_cast<caf::weak_actor_ptr>(handler_);
  handler_ = nullptr;
}

void event_sink::clear() noexcept {
  handler_ = nullptr;
  drop_session();
}

} // namespace pipeactor::detail
