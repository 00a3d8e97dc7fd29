#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/defaults.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/native_handle.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/peer_identity.hpp"
#include "pipeactor/type_ids.hpp"

#include <any>
#include <cstdint>

namespace pipeactor {

/// One end of one connection: a handle to its actor. Cheap to copy, may be sent to
/// other actors. The connection is closed when its last handle is gone; a server keeps
/// one to each open connection.
///
/// A handle may be sent to actors of other nodes, and used there. Such a connection stays open
/// until it is closed, and its actor ends with its pipe: monitor it to hear of that. What is sent
/// to it later gets no answer from CAF 0.17, not even an error: requests time out.
///
/// The functions of the first group are sends: they return at once, from any thread.
/// Actors that want an answer `request` the message from `actor()` instead.
class PIPEACTOR_EXPORT named_pipe_connection {
public:
  named_pipe_connection() noexcept = default;

  /// Returns the handle that belongs to a connection's actor.
  explicit named_pipe_connection(caf::actor actor) noexcept;

  /// For the library: does not have to look for the record.
  named_pipe_connection(caf::actor actor, detail::connection_record& record) noexcept;

  // -- requests -------------------------------------------------------------------------------

  /// Sends `data` to the peer. `cookie` comes back in `client_message_sent` (the operating system
  /// took the message; the peer has perhaps not read it) or in `client_message_failed`. Empty
  /// data is a no-op without an event.
  /// @returns `errc::cookie_not_portable` for a connection of another node where the cookie is
  ///   neither empty nor bytes, `errc::not_connected` for an empty handle: nothing is sent then,
  ///   and no event comes. All else that goes wrong is told by the event.
  caf::error async_write(payload data, pipeactor::cookie cookie = {}) const;

  /// Reads one message; needed only where `continuously_read` is false. `cookie` comes back in
  /// `client_message_received`.
  /// @returns as async_write
  caf::error async_read(pipeactor::cookie cookie = {}) const;

  /// Cancels every outstanding operation and closes the pipe; `client_disconnected`
  /// follows.
  void async_close() const;

  /// Takes no more writes, and closes the pipe when those before are sent or `deadline` has
  /// passed. What the peer sends meanwhile is still received.
  void close_after_drain(caf::timespan deadline = defaults::drain_timeout) const;

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

  /// A number that no other connection of its process has: the same on every node.
  uint64_t id() const noexcept {
    return id_;
  }

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
    auto image = x.portable_image();
    return detail::inspect_via(f, "pipeactor::named_pipe_connection", image,
                               [&x](const portable& loaded) {
                                 x = named_pipe_connection{loaded.first};
                                 x.id_ = loaded.second;
                               });
  }

private:
  using portable = std::pair<caf::actor, uint64_t>;

  /// Returns what is sent to another node: of a closed connection no more than its number.
  portable portable_image() const;
  caf::error check_cookie(const pipeactor::cookie& cookie) const;

  caf::actor actor_;
  uint64_t id_ = 0;
  // Lives in the actor, which the handle keeps alive; nullptr where not local.
  detail::connection_record* record_ = nullptr;
};

/// The two kinds of connection have the same requests, events and states.
using named_pipe_server_connection = named_pipe_connection;
using named_pipe_client_connection = named_pipe_connection;

} // namespace pipeactor
