#pragma once

// Every message that never leaves its node, once: X(name). CAF has to know them before they are
// first sent: headers that define one include base/local_message_types.hpp.

#define PIPEACTOR_LOCAL_MESSAGES(X)                                                                \
  /* a cookie's value */                                                                           \
  X(lost_value)                                                                                    \
  /* of a bridge to the owner of a pipe, in bridge/completions.hpp */                              \
  X(received)                                                                                      \
  X(read_ended)                                                                                    \
  X(sent)                                                                                          \
  X(write_failed)                                                                                  \
  X(closed)                                                                                        \
  X(shutting_down)                                                                                 \
  X(timer_expired)                                                                                 \
  /* between actors, in actors/ */                                                                 \
  X(opened)                                                                                        \
  X(resume_reading)                                                                                \
  X(broadcast_ended)                                                                               \
  X(broadcast_write)                                                                               \
  X(broadcast_job)                                                                                 \
  X(look_up)                                                                                       \
  X(looked_up)                                                                                     \
  X(open_pipe)                                                                                     \
  X(raise_refused_operations)                                                                      \
  X(handler_caught_up)                                                                             \
  X(end_with_pipe)                                                                                 \
  X(fence)                                                                                         \
  X(adopt_client)                                                                                  \
  X(get_bridge_report)                                                                             \
  X(bridge_report)                                                                                 \
  X(cancel_timers)                                                                                 \
  X(abandoned)                                                                                     \
  X(client_accepted)                                                                               \
  X(connection_opened)                                                                             \
  X(connection_closed)                                                                             \
  X(publish_again)                                                                                 \
  X(listener_closed)

namespace pipeactor::detail {

#define PIPEACTOR_DECLARE_LOCAL_MESSAGE(name) struct name;
PIPEACTOR_LOCAL_MESSAGES(PIPEACTOR_DECLARE_LOCAL_MESSAGE)
#undef PIPEACTOR_DECLARE_LOCAL_MESSAGE

} // namespace pipeactor::detail
