#pragma once

// Every message, once: X(name). Declarations (fwd.hpp), type ids (type_ids.hpp), `ignore_events`,
// the callbacks of `message_loop` and the tests' recorder follow from these lists. To add an event:
// a line here, the struct with its PIPEACTOR_INSPECT in events.hpp, a function of the same name in
// `session` if connections raise it, and the place that raises it. A forgotten one does not
// compile.

/// Events of a server, in events.hpp.
#define PIPEACTOR_SERVER_EVENTS(X)                                                                 \
  X(server_ready)                                                                                  \
  X(server_failed)                                                                                 \
  X(client_connected)                                                                              \
  X(client_message_received)                                                                       \
  X(client_message_sent)                                                                           \
  X(client_message_failed)                                                                         \
  X(client_disconnected)

/// Events of a client manager, in events.hpp. `session` has a function for each.
#define PIPEACTOR_CLIENT_EVENTS(X)                                                                 \
  X(connected)                                                                                     \
  X(connect_failed)                                                                                \
  X(message_received)                                                                              \
  X(message_sent)                                                                                  \
  X(message_failed)                                                                                \
  X(reconnecting)                                                                                  \
  X(disconnected)

#define PIPEACTOR_EVENTS(X) PIPEACTOR_SERVER_EVENTS(X) PIPEACTOR_CLIENT_EVENTS(X)

/// Requests to servers, client managers and connections, in requests.hpp.
#define PIPEACTOR_REQUESTS(X)                                                                      \
  X(start)                                                                                         \
  X(stop)                                                                                          \
  X(async_broadcast)                                                                               \
  X(get_connections)                                                                               \
  X(get_stats)                                                                                     \
  X(async_write)                                                                                   \
  X(async_read)                                                                                    \
  X(async_close)                                                                                   \
  X(close_after_drain)                                                                             \
  X(connect)                                                                                       \
  X(find_named_pipes)

/// Answers to requests, in requests.hpp and statistics.hpp.
#define PIPEACTOR_ANSWERS(X)                                                                       \
  X(broadcast_result)                                                                              \
  X(connection_stats)                                                                              \
  X(bridge_stats)                                                                                  \
  X(statistics)
