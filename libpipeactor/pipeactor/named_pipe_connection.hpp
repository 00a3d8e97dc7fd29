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

/// One end of one connection, accepted or outgoing: a handle to its actor. Cheap to copy; any
/// thread may use it and send it to other actors. The connection closes when its last handle is
/// gone. A server keeps a handle of each open connection.
///
/// Handles may be sent to actors of other nodes, and used there. Such a connection stays open until
/// it is closed. Its actor ends with its pipe: monitor the actor to be notified. With CAF 0.17 a
/// later request from another node gets no answer, not even an error: give it a timeout.
class PIPEACTOR_EXPORT named_pipe_connection {
public:
  /// Makes an empty handle: requests return `errc::not_connected`.
  named_pipe_connection() noexcept = default;

  /// Makes a handle to a connection's actor.
  explicit named_pipe_connection(caf::actor actor) noexcept;

  /// For the library, which knows the record.
  named_pipe_connection(caf::actor actor, detail::connection_record& record) noexcept;

  // -- requests that return at once: any thread -----------------------------------------------
  //
  // Each sends the message of its name. Actors that want an answer request that message from
  // `actor()`. The events of a client have other names: `message_sent`, `disconnected`, ...

  /// Writes `data` to the pipe. `cookie` comes back in `client_message_sent` (the operating system
  /// took the message; the peer may not have read it yet) or in `client_message_failed`. Empty data
  /// is ignored, without an event.
  /// @returns `errc::not_connected` for an empty handle, `errc::cookie_not_portable` if the
  ///   connection is of another node and the cookie is neither empty nor bytes. Nothing is sent
  ///   then, and no event follows. All other errors come with the event.
  caf::error async_write(payload data, pipeactor::cookie cookie = {}) const;

  /// Reads one message; needed only if `continuously_read` is false. `cookie` comes back in
  /// `client_message_received` or `client_message_failed`.
  /// @returns an error as `async_write` does
  caf::error async_read(pipeactor::cookie cookie = {}) const;

  /// Cancels all outstanding operations and closes the pipe. `client_disconnected` follows.
  void async_close() const;

  /// Refuses further writes, and closes the pipe when earlier ones are sent, or after `deadline`.
  /// What the peer sends meanwhile is still received.
  void close_after_drain(caf::timespan deadline = defaults::drain_timeout) const;

  // -- properties: any thread, without a message ----------------------------------------------

  /// Returns the connection's actor, e.g. to `request` from or `monitor`.
  const caf::actor& actor() const noexcept {
    return actor_;
  }

  /// Returns whether the handle is not empty.
  explicit operator bool() const noexcept {
    return static_cast<bool>(actor_);
  }

  /// Returns whether the connection lives in this process. If not, the properties below have
  /// default values.
  bool is_local() const noexcept {
    return record_ != nullptr;
  }

  /// Returns the number of the connection, which no other connection of its process has. It is the
  /// same on every node.
  uint64_t id() const noexcept {
    return id_;
  }

  /// Returns whether the pipe is connected. Turns false when the pipe drops, which is before
  /// `client_disconnected`.
  bool is_connected() const noexcept;

  /// Returns whether the connection is an outgoing one whose pipe is still being opened.
  bool is_opening() const noexcept;

  /// Returns the operating system's handle, or `invalid_native_handle` as soon as it is about to be
  /// closed. Only to look at: the library owns it.
  native_handle_type native_handle() const noexcept;

  /// Returns the identity of the peer, or `errc::not_local` for a connection of another process.
  caf::expected<peer_identity> peer() const;

  // -- data of the handler --------------------------------------------------------------------

  /// Returns a slot for the handler's own data about this connection, or nullptr if the connection
  /// is not local. The library never looks into it, and there is no lock: use it only in the
  /// handler.
  std::any* custom_data() const noexcept;

  /// Returns the slot's value, or nullptr if it is empty or holds another type.
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

  /// Returns what is sent to another node; for a closed connection its number alone.
  portable portable_image() const;
  caf::error check_cookie(const pipeactor::cookie& cookie) const;

  caf::actor actor_;
  uint64_t id_ = 0;
  // Lives in the actor, which the handle keeps alive; nullptr if not local.
  detail::connection_record* record_ = nullptr;
};

/// The contract's names for an accepted and an outgoing connection. Both are the same class,
/// because they have the same requests, events and states.
using named_pipe_server_connection = named_pipe_connection;
using named_pipe_client_connection = named_pipe_connection;

} // namespace pipeactor
