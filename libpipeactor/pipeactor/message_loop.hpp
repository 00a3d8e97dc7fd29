#pragma once

#include "pipeactor/context.hpp"
#include "pipeactor/events.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/options.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pipeactor {

#define PIPEACTOR_CALLBACK(event) std::function<void(const pipeactor::event&)> event;

/// The functions that a server's events call: one for each, of its name (`server_ready`,
/// `client_connected`, `client_message_received`, ...: see events.hpp). An event whose function is
/// empty is ignored.
///
///     callbacks.client_message_received = [](const client_message_received& event) { ... };
struct server_callbacks {
  PIPEACTOR_SERVER_EVENTS(PIPEACTOR_CALLBACK)
};

/// The functions that the events of outgoing connections call: one for each, of its name
/// (`connected`, `connect_failed`, `message_received`, ...: see events.hpp). An event whose
/// function is empty is ignored.
struct client_callbacks {
  PIPEACTOR_CLIENT_EVENTS(PIPEACTOR_CALLBACK)
};

#undef PIPEACTOR_CALLBACK

/// Why `message_loop::enter_message_loop` returned.
enum class loop_end : uint8_t {
  /// `leave_message_loop` was called.
  left,
  /// The time is over.
  timed_out,
  /// Another thread is in the loop already, or the caller is a callback of it; nothing was
  /// done.
  already_entered,
};

PIPEACTOR_EXPORT std::string to_string(loop_end end);

/// Servers and clients for a program that is not made of actors: events call functions, on
/// the thread that sits in `enter_message_loop`, one at a time and in the order in which they
/// were raised. Events that are raised while no thread is there wait; a connection whose messages
/// wait beyond `read_queue_bytes` or `read_queue_messages` is not read meanwhile.
///
/// A callback may do anything but enter the loop or destroy it: `async_write`, `async_close`,
/// `stop` and the other functions that wait, `leave_message_loop`. Callbacks of one loop never
/// run at the same time and need no lock between them.
///
/// The end of a loop closes what was made by it; events that still wait are dropped, and no
/// callback runs any more. Connection handles that the program keeps must be dropped before the
/// actor system ends, which is the loop's own end where it has one of its own: declare
/// their variables after the loop, or let the callbacks hold them.
class PIPEACTOR_EXPORT message_loop {
public:
  /// Makes a loop with an actor system and a context of its own.
  explicit message_loop(context_options options = {});

  /// Makes a loop over a context, which must outlive it.
  explicit message_loop(pipeactor::context& context);

  message_loop(const message_loop&) = delete;
  message_loop& operator=(const message_loop&) = delete;

  /// No thread may be in the loop any more.
  ~message_loop();

  pipeactor::context& context() const noexcept;

  /// Makes a server whose events call `callbacks`. Any thread.
  named_pipe_server spawn_server(server_options options, server_callbacks callbacks);

  /// Makes a client manager whose connections' events call `callbacks`. Any thread.
  named_pipe_client_manager spawn_client_manager(client_options options,
                                                 client_callbacks callbacks);

  /// Runs callbacks on this thread until `leave_message_loop` is called. It can be entered
  /// again, from any thread, but by one at a time.
  /// What a callback throws comes out here: its event counts as handled, all others wait
  /// for the next call.
  loop_end enter_message_loop();

  /// As above, for `timeout` at most; with 0 it runs what waits and returns. What waited at the
  /// call is run even where that takes longer.
  loop_end enter_message_loop(std::chrono::milliseconds timeout);

  /// Ends `enter_message_loop`: no callback begins after this, and events wait for the next
  /// call. Where no thread is in the loop the next call returns at once. Any thread, any
  /// callback, but not a signal handler.
  void leave_message_loop();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace pipeactor
