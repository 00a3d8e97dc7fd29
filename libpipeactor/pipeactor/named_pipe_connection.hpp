#pragma once

#include "pipeactor/cookie.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/peer_identity.hpp"
#include "pipeactor/port/pipe_instance.hpp"
#include "pipeactor/detail/caf_compat.hpp"

#include <any>
#include <cstdint>

namespace pipeactor {

namespace detail {
class connection_actor;
class connection_record;
} // namespace detail

/// One end of one connection: a handle to its actor. Cheap to copy, may be sent to
/// other actors. The connection is closed when its last handle is gone; a server keeps
/// one to each open connection.
///
/// The functions of the first group are sends: they return at once, from any thread.
/// Actors that want an answer `request` the message from `actor()` instead.
class PIPEACTOR_EXPORT named_pipe_connection {
public:
  named_pipe_connection() noexcept = default;

  /// Returns the handle that belongs to a connection's actor.
  explicit named_pipe_connection(caf::actor actor) noexcept;

  // -- requests -------------------------------------------------------------------------------

  /// Sends `data` to the peer. `cookie` comes back in `client_message_sent` (the operating system
  /// took the message; the peer has perhaps not read it) or in `client_message_failed`. Empty
  /// data is a no-op without an event.
  void async_write(payload data, pipeactor::cookie cookie = {}) const;

  /// Reads one message; needed only where `continuously_read` is false. `cookie` comes back in
  /// `client_message_received`.
  void async_read(pipeactor::cookie cookie = {}) const;

  /// Cancels every outstanding operation and closes the pipe; `client_disconnected`
  /// follows.
  void async_close() const;

  // -- properties: any thread, without a message ----------------------------------------------

  /// The connection's actor, for `send`, `request`, `monitor`.
  const caf::actor& actor() const noexcept {
    return actor_;
  }

  explicit operator bool() const noexcept {
    return static_cast<bool>(actor_);
  }

  /// Returns whether the connection lives in this process. For others the properties
  /// below have their default values (`errc::not_local`): ask by message.
  bool is_local() const noexcept {
    return record_ != nullptr;
  }

  /// A number that no other connection of its process has; 0 where not local.
  uint64_t id() const noexcept;

  /// True from connecting until the pipe drops, which is before `client_disconnected`.
  bool is_connected() const noexcept;

  /// True between the creation of an outgoing connection and the end of connecting.
  bool is_opening() const noexcept;

  /// The operating system's handle, for looking only; `invalid_native_handle` once it is about
  /// to be closed.
  native_handle_type native_handle() const noexcept;

  /// Who is at the other end.
  /// @returns `errc::not_local` for a connection of another process
  caf::expected<peer_identity> peer() const;

  // -- per-client state -----------------------------------------------------------------------

  /// A slot for the handler's own data, e.g. a session object of this client; the library
  /// never looks at it. For the thread that runs the handler, without a lock.
  /// Returns nullptr where not local.
  std::any* custom_data() const noexcept;

  /// Returns the slot's value, or nullptr where it is empty or holds another type.
  template <class T>
  T* custom_data_as() const noexcept {
    return std::any_cast<T>(custom_data());
  }

  // -- comparison and inspection --------------------------------------------------------------

  friend bool operator==(const named_pipe_connection& lhs,
                         const named_pipe_connection& rhs) noexcept {
    return lhs.actor_ == rhs.actor_;
  }

  friend bool operator!=(const named_pipe_connection& lhs,
                         const named_pipe_connection& rhs) noexcept {
    return !(lhs == rhs);
  }

  template <class Inspector>
  friend detail::inspect_result_t<Inspector> inspect(Inspector& f, named_pipe_connection& x) {
    return detail::inspect_via(f, "pipeactor::named_pipe_connection", x.actor_,
                               [&x](caf::actor& loaded) { x = named_pipe_connection{loaded}; });
  }

private:
  caf::actor actor_;
  // Lives in the actor, which the handle keeps alive; nullptr where not local.
  detail::connection_record* record_ = nullptr;
};

using named_pipe_server_connection = named_pipe_connection;

} // namespace pipeactor
