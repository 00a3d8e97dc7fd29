#include "command/commands.hpp"
#include "command/shared_options.hpp"
#include "common/console.hpp"
#include "common/options.hpp"
#include "common/report.hpp"
#include "hub/hub_actor.hpp"

#include <pipeactor/all.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>
#include <memory>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace pipehub {

namespace {

/// Clients that may wait to be accepted.
constexpr size_t waiting_clients = 1024;
/// How long the end waits for clients that do not take what was written to them.
constexpr auto patience = 2s;

/// What the command line says.
struct serve_command {
  context_options context;
  server_options server;
  broker_options broker;
  /// Empty: all is kept in memory.
  std::string state;
};

/// Lets clients finish, then stops the server.
caf::error stop_hub(caf::actor_system& system, const caf::actor& hub,
                    const named_pipe_server& server) {
  caf::scoped_actor self{system, true};
  // A client that holds the end up is cut off by the server's stop.
  self->request(hub, patience, end_hub{}).receive([] {}, [](const caf::error&) {});
  auto result = server.stop();
  self->send_exit(hub, caf::exit_reason::user_shutdown);
  self->wait_for(hub);
  return result;
}

int run(const serve_command& command) {
  // Before any thread is made, and outlives the actor that prints.
  console terminal;
  caf::error failure;
  caf::actor_system_config config;
  let_scheduler_sleep(config);
  // Before there are clients, and outlives the actor that writes it.
  opened_state kept;
  if (!command.state.empty())
    kept = open_state(command.state);
  if (!kept.error.empty()) {
    report(kept.error);
    return 1;
  }
  caf::actor_system system{config};
  context ctx{system, command.context};
  auto options = command.server;
  options.pending_instances = waiting_clients;
  options.write_queue_policy = write_queue_policy::disconnect;
  // What the broker gives to a connection at a time, and the longest packet beyond it.
  options.write_queue_bytes = command.broker.largest_packet + 2 * command.broker.longest_backlog;
  hub_callbacks callbacks;
  callbacks.ready = [&](const std::string& address) {
    terminal.write("LISTENING " + address + "\n");
  };
  callbacks.failed = [&](const caf::error& reason) {
    failure = reason;
    terminal.notify();
  };
  callbacks.state_changed = [&](const std::string& trouble) {
    report(trouble.empty()
             ? "the state file can be written again"
             : "the state file cannot be written (" + trouble
                 + "): until it can be, clients are refused what would have to be kept");
  };
  auto hub = system.spawn(hub_actor, command.broker, &kept, callbacks);
  auto server = ctx.spawn_server(options, hub);
  if (auto ready = server.start(); !ready) {
    caf::anon_send_exit(hub, caf::exit_reason::user_shutdown);
    return fail_to_begin(ready.error(), ctx, command.context.port);
  }
  terminal.wait({});
  auto err = stop_hub(system, hub, server);
  if (failure)
    return fail(failure);
  return err ? fail(err) : 0;
}

// -- the command line -------------------------------------------------------------------------

const char* help = R"(Examples:
  pipehub serve /tmp/hub
      try it: mosquitto_sub --unix /tmp/hub -t '#' -v
              mosquitto_pub --unix /tmp/hub -t greeting -m hello
  pipehub serve --access list:alice,@staff
      lets user alice and the members of group staff connect

The line LISTENING <path> says that clients may connect. SIGINT or SIGTERM ends the hub; its
clients of MQTT 5.0 are told. Without --state all is kept in memory, and gone with the hub.)";

template <class T>
void add_limit(CLI::App& app, const char* name, T& value, int64_t lowest, int64_t highest,
               const char* text) {
  auto set = [&value](int64_t number) { value = static_cast<T>(number); };
  app.add_option_function<int64_t>(name, set, text)
    ->check(CLI::Range(lowest, highest).description(""))
    ->type_name("N");
}

} // namespace

command add_serve(CLI::App& tool) {
  auto options = std::make_shared<serve_command>();
  options->server.pipe_name = "pipehub";
  options->server.mode = pipe_mode::byte;
  auto& app = *tool.add_subcommand("serve", "Run a hub");
  app.footer(help);
  app
    .add_option("NAME", options->server.pipe_name,
                "Name of the pipe (default pipehub): a socket in a\n"
                "directory of yours or, if several users share the pipe,\n"
                "in /run/pipeactor. A name that starts with / is a path.")
    ->type_name("");
  add_mode(app, options->server.mode);
  add_port(app, options->context);
  add_access(app, "--access", options->server.access,
             "Who may connect: owner (default), group[:NAME],\n"
             "everyone, or list:USER,@GROUP,...");
  add_limit(app, "--user-connections", options->server.connections_per_user, 1, 1000000000,
            "Connections of one user at a time (default: any number).");
  app
    .add_option("--state", options->state,
                "Keeps retained messages and sessions in this file: what\n"
                "clients were acknowledged outlives any end of the hub.")
    ->type_name("FILE");
  auto& limits = options->broker;
  add_limit(
    app, "--keep-alive", limits.longest_keep_alive, 0, 65535,
    "Longest keep alive in seconds of clients of MQTT 5.0\n(default 60; 0: what they ask for).");
  add_limit(app, "--max-packet", limits.largest_packet, 128, mqtt::largest_varint,
            "Longest packet in bytes (default 64 MiB).");
  add_limit(app, "--queue-messages", limits.queue_messages, 1, 1000000000,
            "Messages that may wait for one client (default 10000).");
  add_limit(app, "--queue-bytes", limits.queue_bytes, 1, int64_t{1} << 40,
            "The same in bytes (default 64 MiB).");
  auto set_overflow = [&limits](const std::string& word) {
    limits.overflow = word == "drop-oldest"   ? overflow::drop_oldest
                      : word == "drop-newest" ? overflow::drop_newest
                                              : overflow::disconnect;
  };
  app
    .add_option_function<std::string>("--queue-full", set_overflow,
                                      "If a client's queue is full: drop-oldest (default),\n"
                                      "drop-newest or disconnect. Clients are told losses.")
    ->check(CLI::IsMember({"drop-oldest", "drop-newest", "disconnect"}).description(""))
    ->type_name("WORD");
  return {&app, [options] { return run(*options); }};
}

} // namespace pipehub
