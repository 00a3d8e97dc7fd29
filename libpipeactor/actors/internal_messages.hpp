#pragma once

// The messages between the library's own actors. Local only, never serialised.

#include "pipeactor/messages.hpp"
#include "actors/connection_record.hpp"
#include "actors/connection_settings.hpp"
#include "base/local_message_types.hpp"
#include "bridge/timer_queue.hpp"
#include "port/completion_port.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipeactor::detail {

// -- to a connection --------------------------------------------------------------------------

/// Connect to a server. From the client manager.
struct open_pipe {
  std::string pipe_name;
  caf::timespan timeout;
  std::optional<reconnect_options> reconnect;
  port::resolved_access trusted;
};

/// Events of operations that were refused are waiting to be raised. From itself.
struct raise_refused_operations {};

/// The handler actor has handled all events up to the end of the input.
struct handler_caught_up {};

/// All messages that were sent before the end are answered: quit. From itself.
struct end_with_pipe {};

/// Dropped, and so its token released, when a handler has caught up (send_fence).
struct fence {
  std::shared_ptr<void> token;
};

// -- to a bridge ------------------------------------------------------------------------------

/// A connection on its way to its bridge, in a message that can be copied. The receiver leaves
/// nothing behind.
using raw_pipe_parcel = std::shared_ptr<port::raw_pipe_ptr>;

/// Adopt a client that another bridge accepted.
struct adopt_client {
  connection_settings_ptr settings;
  raw_pipe_parcel raw;
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

/// A connection's actor has ended: drop its timers.
struct cancel_timers {
  std::vector<timer_queue::timer_id> ids;
};

/// A connection's actor ended before its pipe: close it.
struct abandoned {
  connection_record_ptr record;
  connection_record::heirs heirs;
};

// -- to a server or client manager ------------------------------------------------------------

struct client_accepted {
  raw_pipe_parcel raw;
};

/// A client that was accepted has its connection now, or has none (an empty handle) because it
/// could not be made.
struct connection_opened {
  named_pipe_connection connection;
};

struct connection_closed {
  uint64_t id = 0;
};

/// Try again to publish the name. From itself.
struct publish_again {};

struct listener_closed {
  /// None if that was asked for.
  caf::error reason;
};

} // namespace pipeactor::detail
