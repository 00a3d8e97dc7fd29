#include "commands.hpp"
#include "common/console.hpp"
#include "common/lines.hpp"
#include "common/options.hpp"
#include "common/report.hpp"

#include <pipeactor/all.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <vector>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

/// Clients that may wait to be accepted. Beyond it, clients that connect without waiting (node,
/// asyncio) fail with "busy".
constexpr size_t waiting_clients = 1024;
/// How long a broadcast waits for a client that does not read, before it goes on without it.
constexpr auto slow_client_patience = 1s;
/// How long printing the last messages may take.
constexpr auto print_patience = 2s;

/// What the server reports on standard error.
enum class verbosity : uint8_t { nothing, clients, events };

/// What the command line says.
struct listen_command {
  context_options context;
  server_options server;
  bool echo = false;
  bool broadcast = false;
  bool marshalled = false;
  verbosity reported = verbosity::nothing;
};

// -- reports ----------------------------------------------------------------------------------

void report_client(uint64_t client, const std::string& event) {
  report("client " + std::to_string(client) + " " + event);
}

void report_connected(uint64_t client, const caf::expected<peer_identity>& peer) {
  report_client(client, "connected: " + (peer ? describe(*peer) : describe(peer.error())));
}

void report_received(uint64_t client, const payload& data) {
  report_client(client, "received " + std::to_string(data.size()) + " bytes");
}

void report_sent(uint64_t client) {
  report_client(client, "sent");
}

void report_failed(uint64_t client, const caf::error& error) {
  report_client(client, "failed: " + describe(error));
}

void report_left(uint64_t client, const caf::error& reason) {
  report_client(client, "left: " + describe(reason));
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
  /// `server` is set before the first client can connect.
  explicit broadcast_session(std::shared_ptr<const caf::actor> server)
      : server_(std::move(server)) {}

protected:
  void message_received(const pipeactor::cookie&, const payload& data) override {
    // The handlers hold `data` until every client has the message. Meanwhile it fills the
    // sender's read queue (server_options::read_queue_bytes), which slows the sender down to
    // the speed of the others. The copy fills nobody's, so a client that never reads stops
    // nobody.
    self()
      .request(*server_, slow_client_patience, async_broadcast{payload::copy_of(data), {}})
      .then([data](const broadcast_result&) {}, [data](const caf::error&) {});
  }

private:
  std::shared_ptr<const caf::actor> server_;
};

/// A session that also reports who connects and why they leave, or every event.
template <class Session>
class reporting_session final : public Session {
public:
  template <class... Args>
  explicit reporting_session(verbosity reported, const Args&... args)
      : Session(args...), every_event_(reported == verbosity::events) {}

private:
  void connected() override {
    id_ = this->connection().id();
    report_connected(id_, this->connection().peer());
    Session::connected();
  }

  void message_received(const pipeactor::cookie& cookie, const payload& data) override {
    if (every_event_)
      report_received(id_, data);
    Session::message_received(cookie, data);
  }

  void message_sent(const pipeactor::cookie& cookie) override {
    if (every_event_)
      report_sent(id_);
    Session::message_sent(cookie);
  }

  void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
    if (every_event_)
      report_failed(id_, error);
    Session::message_failed(cookie, error);
  }

  void disconnected(const caf::error& reason) override {
    // A client that was refused was never connected: `id_` is not set.
    report_left(this->connection().id(), reason);
    Session::disconnected(reason);
  }

  bool every_event_;
  uint64_t id_ = 0;
};

template <class Session, class... Args>
session_factory make_factory(verbosity reported, const Args&... args) {
  return [=]() -> std::unique_ptr<session> {
    if (reported == verbosity::nothing)
      return std::make_unique<Session>(args...);
    return std::make_unique<reporting_session<Session>>(reported, args...);
  };
}

// -- a server that fails later --------------------------------------------------------------------

/// Why the server failed, for the thread that waits in `console::wait`.
class failure {
public:
  explicit failure(console& terminal) : terminal_(terminal) {}

  void report(const caf::error& reason) {
    reason_.set_value(reason);
    terminal_.notify();
  }

  /// Returns nothing if the server has not failed.
  caf::error reason() {
    return known_.wait_for(std::chrono::seconds{0}) == std::future_status::ready ? known_.get()
                                                                                 : caf::error{};
  }

private:
  console& terminal_;
  std::promise<caf::error> reason_;
  std::future<caf::error> known_ = reason_.get_future();
};

/// Returns the handler of a server's failure, which comes once.
caf::message_handler failing_handler(failure* failed) {
  return {[=](const server_failed& e) { failed->report(e.reason); }};
}

/// The handler of servers whose clients are sessions.
caf::behavior watcher(caf::event_based_actor*, failure* failed) {
  return failing_handler(failed).or_else(ignore_events());
}

// -- handler actors: the clients of --marshalled and of plain `listen` ------------------------

/// Returns handlers that report, or else ignore, all events but received messages.
caf::message_handler reporting_handlers(verbosity reported) {
  if (reported == verbosity::nothing)
    return ignore_events();
  auto on_connected = [](const client_connected& e) {
    report_connected(e.connection.id(), e.connection.peer());
  };
  auto on_left = [](const client_disconnected& e) { report_left(e.connection_id, e.reason); };
  caf::message_handler clients{on_connected, on_left};
  if (reported == verbosity::clients)
    return clients.or_else(ignore_events());
  auto on_sent = [](const client_message_sent& e) { report_sent(e.connection.id()); };
  auto on_failed = [](const client_message_failed& e) {
    report_failed(e.connection.id(), e.error);
  };
  return clients.or_else(on_sent, on_failed).or_else(ignore_events());
}

caf::behavior echoer(caf::event_based_actor*, failure* failed, verbosity reported) {
  auto on_received = [reported](const client_message_received& e) {
    if (reported == verbosity::events)
      report_received(e.connection.id(), e.data);
    e.connection.async_write(e.data);
  };
  return caf::message_handler{on_received}
    .or_else(failing_handler(failed))
    .or_else(reporting_handlers(reported));
}

/// Prints the line that scripts wait for: clients may connect.
void announce(console& terminal, const server_ready& ready) {
  terminal.write("LISTENING " + ready.address + "\n");
}

/// Prints what clients send. Ends at `stop`, when everything before it is printed.
caf::behavior printer(caf::event_based_actor* self, console* terminal, failure* failed,
                      pipe_mode mode, verbosity reported) {
  // The printer announces the server: the message of a quick client must not come first.
  auto on_ready = [=](const server_ready& e) { announce(*terminal, e); };
  auto on_received = [=](const client_message_received& e) {
    if (reported == verbosity::events)
      report_received(e.connection.id(), e.data);
    std::string text{e.data.text()};
    if (mode == pipe_mode::message)
      text += '\n';
    terminal->write(text);
  };
  auto on_stop = [=](const stop&) { self->quit(); };
  return caf::message_handler{on_ready, on_received, on_stop}
    .or_else(failing_handler(failed))
    .or_else(reporting_handlers(reported));
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
    // A new actor each time: answers that come too late go with it.
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

/// Waits for a signal or the end of standard output. Meanwhile standard input goes to `input`,
/// if it is not null.
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
  auto text = "port " + (kind ? to_string(*kind) : describe(kind.error()));
  if (ready.max_message_size != 0)
    text += ", messages of up to " + std::to_string(ready.max_message_size) + " bytes";
  report(text);
}

/// Runs the server until something ends it.
/// @returns the exit code
int serve(context& ctx, const listen_command& command, const named_pipe_server& server,
          console& terminal, failure& failed, feeder* input) {
  auto ready = server.start();
  if (!ready)
    return fail_to_begin(ready.error(), ctx, command.context.port);
  if (command.reported != verbosity::nothing)
    report_terms(ctx, *ready);
  if (input == nullptr)
    announce(terminal, *ready);
  wait_for_end(terminal, input);
  if (auto reason = failed.reason())
    return fail(reason);
  if (auto err = server.stop())
    return fail(err);
  if (auto code = terminal.write_error(); code != 0)
    return fail_to_print(code);
  return 0;
}

int run(const listen_command& command) {
  // Before any thread is made, and outlives the actor that prints.
  console terminal;
  failure failed{terminal};
  caf::actor_system_config config;
  let_scheduler_sleep(config);
  caf::actor_system system{config};
  context ctx{system, command.context};
  auto options = command.server;
  options.pending_instances = waiting_clients;
  // With broadcasts, a client that does not read is disconnected.
  if (!command.echo)
    options.write_queue_policy = write_queue_policy::disconnect;
  named_pipe_server server;
  caf::actor printing;
  auto broadcaster = std::make_shared<caf::actor>();
  if (command.marshalled) {
    server = ctx.spawn_server(options, system.spawn(echoer, &failed, command.reported));
  } else if (command.echo) {
    server = ctx.spawn_session_server(options, make_factory<echo_session>(command.reported),
                                      system.spawn(watcher, &failed));
  } else if (command.broadcast) {
    auto sessions = make_factory<broadcast_session>(command.reported,
                                                    std::shared_ptr<const caf::actor>{broadcaster});
    server = ctx.spawn_session_server(options, sessions, system.spawn(watcher, &failed));
    *broadcaster = server.actor();
  } else {
    // The printer has a thread of its own, since standard output may block.
    printing = system.spawn<caf::detached>(printer, &terminal, &failed, options.mode,
                                           command.reported);
    server = ctx.spawn_server(options, printing);
  }
  feeder input{system, server, options.mode};
  auto result = serve(ctx, command, server, terminal, failed, printing ? &input : nullptr);
  *broadcaster = nullptr;
  if (printing) {
    terminal.stop_writing_at(console::clock::now() + print_patience);
    caf::anon_send(printing, stop{});
  }
  return result;
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipecat listen my_service
      prints what clients send; type a line to send it to all of them
  pipecat listen my_service --echo
      try it: echo hello | pipecat connect my_service --expect 1
  tail -f /var/log/syslog | pipecat listen log
      every client sees the log from now on: pipecat connect log
  pipecat listen /tmp/stream --echo --mode byte
      try it: echo hello | nc -N -U /tmp/stream
  pipecat listen my_service --echo --access list:alice,@staff --events
      lets user alice and the members of group staff connect, and reports what they do

WHO is owner (default), group, group:NAME, everyone, or a list of users and @groups, by name or
number. You and root are always admitted; any other client is disconnected. Unless WHO is owner,
the socket lies in /run/pipeactor, which an administrator makes:
install -d -m 1777 /run/pipeactor

The line LISTENING <path> says that clients may connect. SIGINT or SIGTERM ends the server.
Empty lines of standard input are not sent. Plain listen and --broadcast run at the speed of the
slowest client. A client that does not read holds up the others for at most 1 s at a time; when
16 MiB or 65536 messages wait for it, it is disconnected.)";

} // namespace

command add_listen(CLI::App& tool) {
  auto options = std::make_shared<listen_command>();
  auto& app = *tool.add_subcommand("listen",
                                   "Serve a pipe: print, echo or broadcast what clients send");
  app.footer(help);
  add_name(app, options->server.pipe_name);
  auto* echo = app.add_flag("--echo", options->echo, "Return each message to its client.");
  app.add_flag("--broadcast", options->broadcast, "Send each message to every client.")
    ->excludes(echo);
  app
    .add_flag("--marshalled", options->marshalled,
              "With --echo: one ordinary actor answers all clients,\n"
              "rather than a session for each; to compare the two.")
    ->needs(echo);
  add_mode(app, options->server.mode);
  add_port(app, options->context);
  app
    .add_option("--threads", options->server.num_threads,
                "I/O threads that share the clients, up to 1024\n(default 0: one).")
    ->check(not_negative())
    ->type_name("N");
  app
    .add_option("--max-message", options->server.max_message_size,
                "Longest message; a client that sends a longer one is\n"
                "disconnected (default 0: what the system grants, at\nmost 4 MiB).")
    ->check(not_negative())
    ->type_name("BYTES");
  add_access(app, "--access", options->server.access,
             "Who may connect: owner (default), group[:NAME],\n"
             "everyone, or list:USER,@GROUP,...; see below.");
  app.add_flag_callback(
    "-v,--verbose",
    [options] { options->reported = std::max(options->reported, verbosity::clients); },
    "Report on standard error who connects (process, user and\ngroups) and why they leave.");
  app.add_flag_callback(
    "--events", [options] { options->reported = verbosity::events; },
    "As -v, plus a line for each message received, sent or\nfailed.");
  return {&app, [options] { return run(*options); }};
}
