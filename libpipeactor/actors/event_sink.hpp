#pragma once

#include "pipeactor/events.hpp"
#include "pipeactor/session.hpp"
#include "actors/connection_base.hpp"

#include <exception>
#include <memory>

namespace pipeactor::detail {

/// Returns `errc::handler_failed` with the text of a handler's exception.
caf::error failure_of(std::exception_ptr thrown);

/// Raises the events of one connection: in its session, or else as messages to its handler actor.
/// An exception in a handler of the session closes the connection. Bridge thread.
class event_sink {
public:
  /// @param connection owns the events and this object
  event_sink(connection_base& connection, caf::actor handler)
      : connection_(connection), handler_(std::move(handler)) {}

  ~event_sink();

  event_sink(const event_sink&) = delete;
  event_sink& operator=(const event_sink&) = delete;

  /// Makes the session, which replaces the handler.
  /// @returns the handlers of its own messages
  /// @throws what its making throws; there is no session then
  caf::message_handler make_session(const session_factory& make);

  /// What the session asks for is ignored from now on: one that tries again whenever it fails would
  /// go on for ever.
  void ignore_requests() noexcept;

  /// Destroys the session, if there is one.
  void drop_session() noexcept;

  pipeactor::session* session() const noexcept {
    return session_.get();
  }

  /// Returns the handler actor, or an empty handle.
  const caf::actor& handler() const noexcept {
    return handler_;
  }

  // -- events ---------------------------------------------------------------------------------

  void connected();
  void connect_failed(const caf::error& reason);
  void received(const cookie& cookie, const payload& data);
  void sent(const cookie& cookie);
  void failed(const cookie& cookie, const caf::error& reason);
  /// The same for an operation that was asked of an actor that has ended. A session is gone by
  /// then. Any thread, after end().
  void failed_late(const cookie& cookie, const caf::error& reason) const;
  void reconnecting(const caf::error& reason, caf::timespan delay);
  void disconnected(const caf::error& reason);
  void down(const caf::down_msg& message);

  // -- the end --------------------------------------------------------------------------------

  /// Asks the handler actor to say when it has handled all events so far: `handler_caught_up`
  /// follows. A session has handled them already.
  void await_handler();

  bool handler_caught_up() const noexcept {
    return handler_caught_up_;
  }

  void handler_has_caught_up() noexcept {
    handler_caught_up_ = true;
  }

  /// The last event was raised. Failures of later operations are still told.
  void end() noexcept;

  /// Drops session and handler.
  void clear() noexcept;

private:
  /// Calls a handler of the session and catches its exceptions.
  template <class F>
  void call(F handler);

  /// Sends an event to the handler actor, if there is one: as the type that servers or the one
  /// that client managers use.
  template <class ServerEvent, class ClientEvent, class... Ts>
  void send(const caf::actor& handler, const Ts&... xs);

  connection_base& connection_;
  std::unique_ptr<pipeactor::session> session_;
  caf::actor handler_;
  // Takes the handler's place after the end: handlers hold connections, and a connection that
  // holds its handler would keep both alive.
  caf::weak_actor_ptr late_handler_;
  bool handler_caught_up_ = false;
};

} // namespace pipeactor::detail
