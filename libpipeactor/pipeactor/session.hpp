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

/// The state of one connection, as a class of the user's (free-threaded events). One is
/// made for each client; it lives in the connection's actor, and its handlers run there, one at
/// a time, on the connection's bridge. A handler must not block: others of the bridge wait for it.
/// An exception in a handler closes this connection with `errc::handler_failed` and harms
/// nobody else.
class PIPEACTOR_EXPORT session {
public:
  session() = default;
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  virtual ~session();

  // -- events ---------------------------------------------------------------------------------

  /// The pipe is connected; the first event.
  virtual void connected();

  /// The pipe of an outgoing connection could not be opened; the only event.
  virtual void connect_failed(const caf::error& error);

  /// A message arrived (byte mode: bytes). `cookie` is that of the `async_read`, empty where
  /// reading is continuous.
  virtual void message_received(const pipeactor::cookie& cookie, const payload& data);

  /// The operating system took a message of ours; the peer has perhaps not read it.
  virtual void message_sent(const pipeactor::cookie& cookie);

  /// A write, or a read that was asked for, did not happen.
  virtual void message_failed(const pipeactor::cookie& cookie, const caf::error& error);

  /// A connection that comes back by itself (`client_options::reconnect`) was lost, or an attempt
  /// failed; the next one follows after `delay`.
  virtual void reconnecting(const caf::error& reason, caf::timespan delay);

  /// The pipe is closed; the last event, save failures of later writes.
  virtual void disconnected(const caf::error& reason);

  /// An actor that was monitored has ended.
  virtual void down(const caf::down_msg& message);

  /// Returns handlers for messages of the session's own; asked for once, before `connected`.
  /// The library's requests come first.
  virtual caf::message_handler message_handlers();

protected:
  // -- requests: inside handlers only ---------------------------------------------------------
  //
  // In the constructor and the destructor there is no connection: these functions do nothing then,
  // and say so in the log.

  /// @copydoc named_pipe_connection::async_write
  void async_write(payload data, pipeactor::cookie cookie = {});

  /// @copydoc named_pipe_connection::async_read
  void async_read(pipeactor::cookie cookie = {});

  /// @copydoc named_pipe_connection::async_close
  void async_close();

  /// @copydoc named_pipe_connection::close_after_drain
  void close_after_drain(caf::timespan deadline = defaults::drain_timeout);

  /// Closes the connection with `errc::handler_failed` and this text.
  void fail(const std::string& text);

  /// Returns the actor whose state this is. In the destructor there is none any more: what is sent
  /// by the view is anonymous then.
  actor_view self() const;

  /// Returns the connection's handle, e.g. to send it to another actor; an empty one in the
  /// constructor and the destructor. Holding it in the session keeps the connection object alive
  /// after its end.
  named_pipe_connection connection() const;

private:
  friend class detail::event_sink;

  /// Returns the owner, or nullptr (and logs that) in the constructor and the destructor.
  detail::connection_base* owner_for(const char* function) const;

  detail::connection_base* owner_ = nullptr;
  caf::actor_system* system_ = nullptr;
};

/// Makes the session of a new connection, on its bridge.
using session_factory = std::function<std::unique_ptr<session>()>;

} // namespace pipeactor
