#pragma once

#include "pipeactor/actor_view.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/fwd.hpp"
#include "pipeactor/named_pipe_connection.hpp"
#include "pipeactor/payload.hpp"

#include <caf/message_handler.hpp>
#include <caf/system_messages.hpp>

#include <functional>
#include <memory>

namespace pipeactor {

/// The state of one connection and the handlers of its events, as a class of yours (free-threaded
/// events). Each connection has a session of its own, which lives in the connection's actor. All
/// its functions run on the thread of the connection's bridge, one at a time: they need no locks.
///
/// A handler must not block: all connections of its bridge would wait. An exception in a
/// handler closes this connection with `errc::handler_failed` and harms no other.
class PIPEACTOR_EXPORT session {
public:
  session() = default;
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  virtual ~session();

  // -- events: those of events.hpp, and the end of other actors -------------------------------

  /// The pipe is connected. The first event.
  virtual void connected();

  /// The pipe of an outgoing connection could not be opened. The only event of that connection.
  virtual void connect_failed(const caf::error& error);

  /// A message arrived (byte mode: bytes). `cookie` is that of the `async_read`; it is empty if
  /// reading is continuous.
  virtual void message_received(const pipeactor::cookie& cookie, const payload& data);

  /// The operating system took a message that was written. The peer may not have read it yet.
  virtual void message_sent(const pipeactor::cookie& cookie);

  /// A write, or a read that was asked for, did not happen.
  virtual void message_failed(const pipeactor::cookie& cookie, const caf::error& error);

  /// A connection that reconnects by itself (`client_options::reconnect`) was lost, or an attempt
  /// failed. The next attempt follows after `delay`.
  virtual void reconnecting(const caf::error& reason, caf::timespan delay);

  /// The pipe is closed. The last event, except failures of writes that are made after it.
  virtual void disconnected(const caf::error& reason);

  /// An actor that `self().monitor` watches has ended.
  virtual void down(const caf::down_msg& message);

  /// Returns handlers for other messages that the session takes. Called once, before `connected`.
  /// Handlers for the requests of requests.hpp have no effect: the library handles those itself.
  virtual caf::message_handler message_handlers();

protected:
  // -- requests: inside handlers only ---------------------------------------------------------
  //
  // In the constructor and the destructor there is no connection: these functions do nothing then,
  // and say so in the log. They do nothing after the context's end either.

  /// Writes `data` to the pipe. `cookie` comes back in `message_sent`, or in `message_failed` with
  /// the error. Empty data is ignored, without an event.
  void async_write(payload data, pipeactor::cookie cookie = {});

  /// Reads one message; needed only if `continuously_read` is false. `cookie` comes back in
  /// `message_received` or `message_failed`.
  void async_read(pipeactor::cookie cookie = {});

  /// Cancels all outstanding operations and closes the pipe. `disconnected` follows.
  void async_close();

  /// Refuses further writes, and closes the pipe when earlier ones are sent, or after `deadline`.
  /// What the peer sends meanwhile is still received.
  void close_after_drain(caf::timespan deadline = defaults::drain_timeout);

  /// Closes the connection with `errc::handler_failed` and this text. Like an exception, but the
  /// handler goes on.
  void fail(const std::string& text);

  /// Returns a view of the connection's actor, e.g. to send messages to other actors.
  actor_view self() const;

  /// Returns a handle of the connection, e.g. to send it to another actor; an empty one in the
  /// constructor and the destructor. Do not store it in the session: connection and session would
  /// keep each other alive.
  named_pipe_connection connection() const;

private:
  friend class detail::event_sink;

  /// Returns the owner, or nullptr after the context's end.
  detail::connection_base* owner_for(const char* function) const {
    if (owner_ == nullptr)
      warn_of(function);
    return context_has_ended_ ? nullptr : owner_;
  }

  /// There is no owner in the constructor and the destructor.
  static void warn_of(const char* function);

  detail::connection_base* owner_ = nullptr;
  caf::actor_system* system_ = nullptr;
  bool context_has_ended_ = false;
};

/// Makes the session of a new connection. Called on the connection's bridge; an exception closes
/// the connection with `errc::handler_failed`.
using session_factory = std::function<std::unique_ptr<session>()>;

} // namespace pipeactor
