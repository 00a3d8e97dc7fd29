#pragma once

#include "pipeactor/context.hpp"
#include "pipeactor/events.hpp"
#include "pipeactor/export.hpp"
#include "pipeactor/loop_end.hpp"
#include "pipeactor/options.hpp"

#include <chrono>
#include <functional>
#include <memory>

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

/// Servers and clients for a program that is not made of actors. Events call functions, on the
/// thread that is in `enter_message_loop`, one at a time and in the order in which they were
/// raised. While no thread is in the loop, events wait; reading a connection pauses if more of its
/// messages wait than `read_queue_bytes` and `read_queue_messages` allow.
///
/// A callback may call any function, even one that waits such as `named_pipe_server::stop`, but it
/// must not enter or destroy the loop. Callbacks of one loop never run at the same time: they need
/// no locks between them.
///
/// The destructor closes everything that the loop made. Events that still wait are dropped, and no
/// callback runs from then on. Connection handles must not outlive the actor system. If the loop
/// has a system of its own, declare variables that hold handles after the loop, or let callbacks
/// hold them.
class PIPEACTOR_EXPORT message_loop {
public:
  /// Makes a loop with an actor system and a context of its own.
  explicit message_loop(context_options options = {});

  /// Makes a loop on a context, which must outlive the loop.
  explicit message_loop(pipeactor::context& context);

  message_loop(const message_loop&) = delete;
  message_loop& operator=(const message_loop&) = delete;

  /// No thread may be in the loop.
  ~message_loop();

  /// Returns the context that it was made with, or its own.
  pipeactor::context& context() const noexcept;

  /// Makes a server whose events call `callbacks`. The options are checked when it starts. Any
  /// thread.
  named_pipe_server spawn_server(server_options options, server_callbacks callbacks);

  /// Makes a client manager; the events of its connections call `callbacks`. Any thread.
  named_pipe_client_manager spawn_client_manager(client_options options,
                                                 client_callbacks callbacks);

  /// Runs callbacks on this thread until `leave_message_loop` is called. The loop can be entered
  /// any number of times, by one thread at a time. If a callback throws, the exception leaves
  /// this function: that event counts as handled, and the others wait for the next call.
  loop_end enter_message_loop();

  /// As above, but returns after `timeout`. The callbacks of all events that were waiting at the
  /// call run in any case, even if that takes longer. With 0 no others run.
  loop_end enter_message_loop(std::chrono::milliseconds timeout);

  /// Makes `enter_message_loop` return: no further callback begins, and events wait for the next
  /// call. If no thread is in the loop, the next call returns at once. May be called on any thread
  /// and in any callback, but not in a signal handler.
  void leave_message_loop();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace pipeactor
