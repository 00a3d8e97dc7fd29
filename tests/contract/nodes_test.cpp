// Connections and servers used from another node. Both nodes are actor systems of this
// process, joined by CAF's middleman over loopback: all that passes is serialised.

#include "contract/fixture.hpp"

#include <caf/io/middleman.hpp>

using namespace contract;

namespace {

/// Returns an actor of one node as another node sees it.
caf::actor seen_from(caf::actor_system& elsewhere, caf::actor_system& home,
                     const caf::actor& actor) {
  auto tcp_port = home.middleman().publish(actor, 0, "127.0.0.1");
  REQUIRE(tcp_port);
  auto remote = elsewhere.middleman().remote_actor("127.0.0.1", *tcp_port);
  REQUIRE(remote);
  REQUIRE(caf::actor_cast<caf::abstract_actor*>(*remote)
          != caf::actor_cast<caf::abstract_actor*>(actor));
  return *remote;
}

/// A node without pipes.
struct other_node {
  other_node()
      : system(configured(config)), self(std::make_unique<caf::scoped_actor>(system, true)) {}

  ~other_node() {
    self = nullptr;
  }

  static caf::actor_system_config& configured(caf::actor_system_config& config) {
    add_message_types(config);
    config.load<caf::io::middleman>();
    config.set("scheduler.max-threads", 2);
    return config;
  }

  /// Returns the actor as this node sees it.
  caf::actor reach(caf::actor_system& home, const caf::actor& actor) {
    return seen_from(system, home, actor);
  }

  /// @copydoc contract::ask
  template <class Request>
  caf::error ask(const caf::actor& whom, Request request) {
    return contract::ask(*self, whom, std::move(request));
  }

  /// @copydoc contract::ask_for
  template <class Result, class Request>
  caf::expected<Result> ask_for(const caf::actor& whom, Request request) {
    return contract::ask_for<Result>(*self, whom, std::move(request));
  }

  /// Returns the connections of a server of the other node.
  std::vector<named_pipe_connection> connections_of(const caf::actor& server) {
    auto result = ask_for<std::vector<named_pipe_connection>>(server, get_connections{});
    REQUIRE(result);
    return std::move(*result);
  }

  caf::actor_system_config config;
  caf::actor_system system;
  std::unique_ptr<caf::scoped_actor> self;
  /// For handlers of this node.
  log_ptr log = std::make_shared<event_log>();
};

/// A handler on another node that sends every message back.
struct handler_elsewhere {
  explicit handler_elsewhere(port_fixture& f)
      : f(f), handler(node.system.spawn(recording_handler, log_writer{node.log}, echo())) {}

  /// The pipes' side ends first, with all that it knows of the other.
  ~handler_elsewhere() {
    node.log->forget_connections();
    f.end_system();
    // CAF keeps what was published.
    caf::anon_send_exit(handler, caf::exit_reason::user_shutdown);
  }

  running_server serve(const server_options& options) {
    auto remote = seen_from(f.system(), node.system, handler);
    return f.started(f.context().spawn_server(options, remote), options);
  }

  port_fixture& f;
  other_node node;
  caf::actor handler;
};

/// A server with one client, and its connection as another node holds it.
struct shared_connection {
  explicit shared_connection(port_kind port, taker who, bool continuously_read = true)
      : f(port, {}, place::node) {
    auto options = f.options();
    options.continuously_read = continuously_read;
    server = f.serve(options, who);
    client = f.connect(server);
    local = log->connection();
    REQUIRE(local);
    remote_server = node.reach(f.system(), server.server.actor());
    auto connections = node.connections_of(remote_server);
    REQUIRE(connections.size() == 1);
    remote = connections.front();
  }

  ~shared_connection() {
    remote = {};
    remote_server = nullptr;
  }

  port_fixture f;
  log_ptr log = f.log;
  other_node node;
  running_server server;
  client_ptr client;
  named_pipe_connection local;
  caf::actor remote_server;
  named_pipe_connection remote;
};

} // namespace

PORT_TEST_CASE("a connection of another node is not local") {
  shared_connection x{port, GENERATE(each_taker())};
  CHECK(x.remote);
  CHECK_FALSE(x.remote.is_local());
  CHECK(x.remote.id() == x.local.id());
  CHECK_FALSE(x.remote.is_connected());
  CHECK_FALSE(x.remote.is_opening());
  CHECK(x.remote.native_handle() == invalid_native_handle);
  auto peer = x.remote.peer();
  REQUIRE_FALSE(peer);
  CHECK(code_of(peer.error()) == errc::not_local);
  CHECK(x.remote.custom_data() == nullptr);
}

PORT_TEST_CASE("another node writes to a connection, and the write is answered") {
  shared_connection x{port, GENERATE(each_taker())};
  CHECK_FALSE(x.remote.async_write(payload{"from afar"}, cookie::of(payload{"bytes"})));
  CHECK(x.client->receive() == "from afar");
  REQUIRE(x.log->wait_for("sent"));
  // Short enough for a pipe that nobody reads.
  auto long_message = pattern(60'000);
  CHECK_FALSE(x.node.ask(x.remote.actor(), async_write{payload{long_message}, {}}));
  CHECK((x.client->receive() == long_message));
  auto too_long = payload{pattern(x.server.ready.max_message_size + 1)};
  auto err = x.node.ask(x.remote.actor(), async_write{too_long, {}});
  CHECK(code_of(err) == errc::message_too_large);
  CHECK(describe(err).find("the limit is") != std::string::npos);
}

PORT_TEST_CASE("another node reads from a connection") {
  shared_connection x{port, GENERATE(each_taker()), false};
  REQUIRE(x.client->send("to afar"));
  auto data = x.node.ask_for<payload>(x.remote.actor(), async_read{});
  REQUIRE(data);
  CHECK(data->text() == "to afar");
}

PORT_TEST_CASE("a cookie from another node must be bytes, or the sender's own node refuses it") {
  shared_connection x{port, GENERATE(each_taker())};
  CHECK(code_of(x.remote.async_write(payload{"x"}, cookie::of(7))) == errc::cookie_not_portable);
  CHECK(code_of(x.remote.async_read(cookie::of(7))) == errc::cookie_not_portable);
  named_pipe_server server{x.remote_server};
  CHECK(code_of(server.async_broadcast(payload{"x"}, cookie::of(7))) == errc::cookie_not_portable);
  // If the handle is bypassed, the pipe's node reports the error.
  CHECK(code_of(x.node.ask(x.remote.actor(), async_write{payload{"x"}, cookie::of(7)}))
        == errc::cookie_not_portable);
  auto result = x.node.ask_for<broadcast_result>(x.remote_server,
                                                 async_broadcast{payload{"x"}, cookie::of(7)});
  REQUIRE_FALSE(result);
  CHECK(code_of(result.error()) == errc::cookie_not_portable);
  CHECK_FALSE(x.remote.async_write(payload{"only this"}, cookie::of(payload{"bytes"})));
  CHECK(x.client->receive() == "only this");
}

PORT_TEST_CASE("another node closes a connection") {
  shared_connection x{port, GENERATE(each_taker())};
  CHECK_FALSE(x.node.ask(x.remote.actor(), async_close{}));
  CHECK(x.client->at_end());
  CHECK(x.log->wait_for("disconnected closed_by_us"));
}

PORT_TEST_CASE("another node that monitors a connection is notified of its end") {
  shared_connection x{port, GENERATE(each_taker())};
  auto& self = *x.node.self;
  self->monitor(x.remote.actor());
  // Answered: the monitor is in place, since messages to one node keep their order.
  REQUIRE_FALSE(x.node.ask(x.remote.actor(), async_write{payload{"x"}, {}}));
  x.client->close();
  REQUIRE(x.log->wait_for("disconnected"));
  x.local = {};
  x.log->forget_connections();
  auto down = false;
  self->receive([&](caf::down_msg&) { down = true; }, caf::after(patience) >> [] {});
  CHECK(down);
}

PORT_TEST_CASE("a connection that another node has seen leaves nothing behind when it is closed") {
  shared_connection x{port, taker::session};
  CHECK_FALSE(x.remote.async_write(payload{"x"}));
  CHECK(x.client->receive() == "x");
  x.client->close();
  REQUIRE(x.log->wait_for("disconnected"));
  x.local = {};
  x.log->forget_connections();
  CHECK(x.log->wait_for("session gone"));
}

PORT_TEST_CASE("a handle that another node drops leaves the connection open, and nothing behind") {
  shared_connection x{port, taker::session};
  x.remote = {};
  REQUIRE(x.client->send("x"));
  CHECK(x.log->wait_for("received x"));
  x.client->close();
  REQUIRE(x.log->wait_for("disconnected"));
  x.local = {};
  x.log->forget_connections();
  CHECK(x.log->wait_for("session gone"));
}

PORT_TEST_CASE("another node broadcasts through a server") {
  shared_connection x{port, GENERATE(each_taker())};
  auto second = x.f.connect_and_wait(x.server, 1).first;
  auto result = x.node.ask_for<broadcast_result>(x.remote_server,
                                                 async_broadcast{payload{"to all"}, {}});
  REQUIRE(result);
  CHECK(result->sent == 2);
  CHECK(x.client->receive() == "to all");
  CHECK(second->receive() == "to all");
}

PORT_TEST_CASE("another node starts, asks and stops a server") {
  shared_connection x{port, GENERATE(each_taker())};
  auto ready = x.node.ask_for<server_ready>(x.remote_server, start{});
  REQUIRE(ready);
  CHECK(ready->pipe_name == x.server.options.pipe_name);
  auto stats = x.node.ask_for<statistics>(x.remote_server, get_stats{});
  REQUIRE(stats);
  CHECK(stats->connections.size() == 1);
  CHECK_FALSE(x.node.ask(x.remote_server, stop{}));
  CHECK(x.client->at_end());
}

PORT_TEST_CASE("a handler of another node takes a server's events, and answers") {
  port_fixture f{port, {}, place::node};
  handler_elsewhere x{f};
  auto server = x.serve(f.options());
  auto client = f.connect(server);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(client->send(std::to_string(i)));
    REQUIRE(client->receive() == std::to_string(i));
  }
  // The last words are answered too, although the answer takes its time.
  REQUIRE(client->send("last"));
  client->close();
  REQUIRE(x.node.log->wait_for("disconnected"));
  CHECK(x.node.log->count("connected") == 1);
  CHECK(x.node.log->count("received") == 101);
}

PORT_TEST_CASE("a handler of another node answers in byte mode") {
  port_fixture f{port, {}, place::node};
  handler_elsewhere x{f};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto client = f.connect(x.serve(options));
  REQUIRE(client->send("question"));
  CHECK(client->receive_bytes(8) == "question");
  client->close();
  CHECK(x.node.log->wait_for("disconnected closed_by_peer"));
}

PORT_TEST_CASE("in byte mode a handler of another node still answers after the end of the input",
               needs::half_close) {
  port_fixture f{port, {}, place::node};
  handler_elsewhere x{f};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto client = f.connect(x.serve(options));
  REQUIRE(client->send("question"));
  client->shutdown_write();
  CHECK(client->receive_bytes(8) == "question");
  CHECK(client->at_end());
  CHECK(x.node.log->wait_for("disconnected closed_by_peer"));
}

PORT_TEST_CASE("a node that goes away leaves server and connection as they were") {
  port_fixture f{port, {}, place::node};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto client = f.connect(server);
  REQUIRE(f.log->wait_for("connected"));
  {
    other_node node;
    auto remote_server = node.reach(f.system(), server.server.actor());
    auto connections = node.connections_of(remote_server);
    REQUIRE(connections.size() == 1);
    CHECK_FALSE(connections.front().async_write(payload{"farewell"}));
    CHECK(client->receive() == "farewell");
    connections.clear();
  }
  CHECK(client->send("still here"));
  CHECK(f.log->wait_for("received still here"));
}

PORT_TEST_CASE("destroying context and system does not hang while another node keeps handles") {
  port_fixture f{port, {}, place::node};
  other_node node;
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto client = f.connect(server);
  REQUIRE(f.log->wait_for("connected"));
  auto remote_server = node.reach(f.system(), server.server.actor());
  auto connections = node.connections_of(remote_server);
  REQUIRE(connections.size() == 1);
  auto& self = *node.self;
  self->monitor(connections.front().actor());
  REQUIRE_FALSE(node.ask(connections.front().actor(), async_write{payload{"x"}, {}}));
  f.end_context();
  CHECK(client->receive() == "x");
  CHECK(client->at_end());
  auto down = false;
  self->receive([&](caf::down_msg&) { down = true; }, caf::after(patience) >> [] {});
  CHECK(down);
  server.server = {};
  f.log->forget_connections();
  f.end_system();
}
