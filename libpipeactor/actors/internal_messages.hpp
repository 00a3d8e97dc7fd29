#pragma once

// What the library's own actors say to each other: the completions of the ports as
// typed messages, and the housekeeping of servers. Local only, never serialised.

#include "pipeactor/messages.hpp"
#include "actors/connection_record.hpp"
#include "actors/connection_settings.hpp"
#include "base/caf_0_17/special_messages.hpp"
#include "port/completion_port.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipeactor::detail {

// -- from the bridge to a connection ----------------------------------------------------------

struct received {
  payload data;
};

struct read_ended {
  caf::error reason;
};

struct sent {
  size_t count = 0;
};

struct write_failed {
  size_t count = 0;
  caf::error reason;
};

/// Every operation has returned and the handle is closed.
struct closed {};

struct timer_expired {};

/// Events of operations that were refused are waiting to be raised.
struct raise_refused {};

// -- from others to a connection --------------------------------------------------------------

/// The connection is made; raise the first event. `refused`: why the client is not let in.
struct opened {
  caf::error refused;
};

/// Begin to connect to a server.
struct open_pipe {
  std::string pipe_name;
  caf::timespan timeout;
  std::optional<reconnect_options> reconnect;
  port::resolved_access trusted;
};

/// What handlers hold fell below half of the limit.
struct resume_reading {};

/// The handler actor has handled all events up to the end of the input.
struct handler_caught_up {};

/// From a closed connection to itself: what was sent to it before is answered, the end.
struct end_with_pipe {};

class broadcast_tracker;
using broadcast_tracker_ptr = std::shared_ptr<broadcast_tracker>;

struct broadcast_write {
  payload data;
  pipeactor::cookie cookie;
  broadcast_tracker_ptr tracker;
};

// -- to a bridge ------------------------------------------------------------------------------

/// A connection on its way to its bridge; messages have to be copyable. Whoever takes it
/// leaves nothing behind.
using raw_pipe_parcel = std::shared_ptr<port::raw_pipe_ptr>;

/// Take charge of a connection that another bridge accepted.
struct adopt_client {
  connection_settings_ptr setup;
  raw_pipe_parcel raw;
};

/// Pass a broadcast to each connection of a server.
struct broadcast_job {
  uint64_t coordinator_id = 0;
  broadcast_write write;
};

/// Answered with `bridge_report`.
struct get_bridge_report {
  uint64_t coordinator_id = 0;
};

/// A bridge, and its connections of one server or client manager.
struct bridge_report {
  bridge_stats bridge;
  std::vector<connection_stats> connections;
};

/// A connection's actor ended before its pipe: close it.
struct abandoned {
  connection_record_ptr record;
  caf::actor coordinator;
  caf::actor handler;
  caf::error reason;
};

// -- to a server ------------------------------------------------------------------------------

struct client_accepted {
  raw_pipe_parcel raw;
};

struct connection_opened {
  named_pipe_connection connection;
};

struct connection_closed {
  uint64_t id = 0;
};

struct listener_closed {};

struct broadcast_ended {
  uint64_t id = 0;
  broadcast_result result;
};

/// Dropped, and so its token released, when a handler has caught up (send_fence).
struct fence {
  std::shared_ptr<void> token;
};

} // namespace pipeactor::detail

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::received)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::read_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::sent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::write_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::timer_expired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::raise_refused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::open_pipe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::resume_reading)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::handler_caught_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::end_with_pipe)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::broadcast_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::adopt_client)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::broadcast_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::get_bridge_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::bridge_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::abandoned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::client_accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::connection_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::connection_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::listener_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::broadcast_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::fence)
