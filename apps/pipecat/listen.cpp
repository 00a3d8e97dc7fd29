#include "listen.hpp"

#include "lines.hpp"
#include "tool.hpp"

#include <pipeactor/all.hpp>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

/// Clients that may wait to be accepted.
constexpr size_t waiting_clients = 1024;
/// How long a sender waits for a client that does not read what is broadcast, before others
/// go on without it.
constexpr auto slow_client_patience = 1s;
/// How long what was received before the stop may take to be printed.
constexpr auto print_patience = 2s;

void tell(uint64_t client, const std::string& what) {
  report("client " + std::to_string(client) + " " + what);
}

void tell_connected(uint64_t client, const caf::expected<peer_identity>& peer) {
  tell(client, "connected: " + (peer ? describe(*peer) : describe(peer.error())));
}

void tell_received(uint64_t client, const payload& data) {
  tell(client, "received " + std::to_string(data.size()) + " bytes");
}

void tell_sent(uint64_t client) {
  tell(client, "sent");
}

void tell_failed(uint64_t client, const caf::error& error) {
  tell(client, "failed: " + describe(error));
}

void tell_left(uint64_t client, const caf::error& reason) {
  tell(client, "left: " + describe(reason));
}

// -- sessions: the clients of --echo and --broadcast ------------------------------------------

/// The session of examples/echo_server.cpp.
class echo_session : public session {
protected:
  void message_received(const pipeactor::cookie&, const payload& data) override {
    async_write(data);
  }
};

class broadcast_session : public session {
public:
  /// `server` is filled in before the first client can come.
  explicit broadcast_session(std::shared_ptr<const caf::actor> server)
      : server_(std::move(server)) {}

protected:
  void message_received(const pipeactor::cookie&, const payload& data) override {
    // `data` is kept until every client has the message: that slows a sender down to the
    // speed of the others (server_options::read_queue_bytes). The copy is not kept count
    // of, so a client that never reads stops nobody.
    self()
      .request(*server_, slow_client_patience, async_broadcast{payload::copy_of(data), {}})
      .then([data](const broadcast_result&) {}, [data](const caf::error&) {});
  }

private:
  std::shared_ptr<const caf::actor> server_;
};

/// Any session, and it tells who comes and why they go, or every event.
template <class Session>
class telling_session final : public Session {
public:
  template <class... Args>
  explicit telling_session(telling told, const Args&... args)
      : Session(args...), all_(told == telling::events) {}

private:
  void connected() override {
    id_ = this->connection().id();
    tell_connected(id_, this->connection().peer());
    Session::connected();
  }

  void message_received(const pipeactor::cookie& cookie, const payload& data) override {
    if (all_)
      tell_received(id_, data);
    Session::message_received(cookie, data);
  }

  void message_sent(const pipeactor::cookie& cookie) override {
    if (all_)
      tell_sent(id_);
    Session::message_sent(cookie);
  }

  void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
    if (all_)
      tell_failed(id_, error);
    Session::message_failed(cookie, error);
  }

  void disconnected(const caf::error& reason) override {
    // One that was refused has never been connected.
    tell_left(this->connection().id(), reason);
    Session::disconnected(reason);
  }

  bool all_;
  uint64_t id_ = 0;
};

template <class Session, class... Args>
named_pipe_server spawn(context& ctx, const server_options& options, telling told,
                        const Args&... args) {
  return told == telling::nothing
           ? ctx.spawn_server<Session>(options, args...)
           : ctx.spawn_server<telling_session<Session>>(options, told, args...);
}

// -- handler actors: the clients of --marshalled and of plain `listen` ------------------------

/// Tells of all events but those of messages received.
caf::message_handler told_events(telling told) {
  if (told == telling::nothing)
    return ignore_events();
  caf::message_handler clients{[](const client_connected& e) {
                                 tell_connected(e.connection.id(), e.connection.peer());
                               },
                               [](const client_disconnected& e) {
                                 tell_left(e.connection_id, e.reason);
                               }};
  if (told == telling::clients)
    return clients.or_else(ignore_events());
  return clients
    .or_else([](const client_message_sent& e) { tell_sent(e.connection.id()); },
             [](const client_message_failed& e) { tell_failed(e.connection.id(), e.error); })
    .or_else(ignore_events());
}

caf::behavior echoer(caf::event_based_actor*, telling told) {
  return caf::message_handler{[told](const client_message_received& e) {
           if (told == telling::events)
             tell_received(e.connection.id(), e.data);
           e.connection.async_write(e.data);
         }}
    .or_else(told_events(told));
}

/// Clients may connect: the line that scripts wait for.
void announce(console& terminal, const server_ready& ready) {
  terminal.write("LISTENING " + ready.address + "\n");
}

/// Prints what clients send. `stop` ends it once all before is printed.
caf::behavior printer(caf::event_based_actor* self, console* terminal, pipe_mode mode,
                      telling told) {
  auto end = mode == pipe_mode::message ? "\n" : "";
  return caf::message_handler{// Here, since a quick client's message must not come before it.
                              [terminal](const server_ready& e) { announce(*terminal, e); },
                              [=](const client_message_received& e) {
                                if (told == telling::events)
                                  tell_received(e.connection.id(), e.data);
                                terminal->write(std::string{e.data.text()} + end);
                              },
                              [self](const stop&) { self->quit(); }}
    .or_else(told_events(told));
}

// -- plain `listen`: from standard input to every client --------------------------------------

class feeder {
public:
  feeder(caf::actor_system& sys, named_pipe_server server, pipe_mode mode)
      : sys_(sys), server_(std::move(server)), mode_(mode) {}

  /// Broadcasts what the chunk holds, and returns when the clients have it.
  void feed(std::string_view chunk) {
    std::vector<payload> messages;
    auto add = [&](std::string_view text) { messages.emplace_back(text); };
    if (mode_ == pipe_mode::byte)
      add(chunk);
    else
      lines_.feed(chunk, add);
    broadcast(messages);
  }

  void finish() {
    std::vector<payload> messages;
    lines_.finish([&](std::string_view text) { messages.emplace_back(text); });
    broadcast(messages);
  }

private:
  void broadcast(const std::vector<payload>& messages) {
    // One of its own each time: with it go answers that came too late.
    caf::scoped_actor self{sys_, true};
    auto ask = [&](const payload& data) {
      return self->request(server_.actor(), slow_client_patience, async_broadcast{data, {}});
    };
    std::vector<decltype(ask(payload{}))> answers;
    for (auto& message : messages)
      answers.push_back(ask(message));
    for (auto& answer : answers)
      answer.receive([](const broadcast_result&) {}, [](const caf::error&) {});
  }

  caf::actor_system& sys_;
  named_pipe_server server_;
  pipe_mode mode_;
  line_cutter lines_;
};

// -- the server -------------------------------------------------------------------------------

/// Waits until something ends the server; meanwhile `input`, if any, is fed.
void wait_for_end(console& terminal, feeder* input) {
  std::string chunk;
  auto reading = input != nullptr;
  for (;;) {
    switch (terminal.wait({reading, input != nullptr})) {
    case console::event::input:
      // The end of standard input does not end the server.
      reading = terminal.read(chunk);
      if (reading)
        input->feed(chunk);
      else
        input->finish();
      break;
    case console::event::timeout:
      break;
    case console::event::notified:
    case console::event::output_gone:
    case console::event::interrupted:
      return;
    }
  }
}

void report_terms(context& ctx, const server_ready& ready) {
  auto kind = ctx.port();
  report("port " + (kind ? to_string(*kind) : describe(kind.error()))
         + (ready.max_message_size != 0
              ? ", messages of up to " + std::to_string(ready.max_message_size) + " bytes"
              : std::string{}));
}

int serve(context& ctx, const listen_command& command, const named_pipe_server& server,
          console& terminal, feeder* input) {
  auto ready = server.start();
  if (!ready)
    return fail_to_begin(ready.error(), ctx, command.context.port);
  if (command.told != telling::nothing)
    report_terms(ctx, *ready);
  if (input == nullptr)
    announce(terminal, *ready);
  wait_for_end(terminal, input);
  if (auto err = server.stop())
    return fail(err);
  if (auto code = terminal.write_error(); code != 0)
    return fail_to_print(code);
  return 0;
}

} // namespace

int run(const listen_command& command, console& terminal) {
  tool_config config;
  caf::actor_system system{config};
  context ctx{system, command.context};
  auto options = command.server;
  // Clients that connect without waiting (node, asyncio) see "busy" beyond this.
  options.pending_instances = waiting_clients;
  // Where many are sent the same, one who does not read it is told so by a close.
  if (!command.echo)
    options.write_queue_policy = write_queue_policy::disconnect;
  named_pipe_server server;
  caf::actor printing;
  auto broadcaster = std::make_shared<caf::actor>();
  if (command.marshalled) {
    server = ctx.spawn_server(options, system.spawn(echoer, command.told));
  } else if (command.echo) {
    server = spawn<echo_session>(ctx, options, command.told);
  } else if (command.broadcast) {
    server = spawn<broadcast_session>(ctx, options, command.told,
                                      std::shared_ptr<const caf::actor>{broadcaster});
    *broadcaster = server.actor();
  } else {
    // It has a thread of its own, since standard output may block.
    printing = system.spawn<caf::detached>(printer, &terminal, options.mode, command.told);
    server = ctx.spawn_server(options, printing);
  }
  feeder input{system, server, options.mode};
  auto result = serve(ctx, command, server, terminal, printing ? &input : nullptr);
  *broadcaster = nullptr;
  if (printing) {
    terminal.stop_writing_at(console::clock::now() + print_patience);
    caf::anon_send(printing, stop{});
  }
  return result;
}
