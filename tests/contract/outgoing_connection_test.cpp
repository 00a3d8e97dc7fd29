// Connections that a client manager makes. The server is one of ours.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("an outgoing connection has the same requests and events as an accepted one") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, server.options.pipe_name);
  connection.async_write(payload{"hello"}, cookie::of(1));
  REQUIRE(f.client_log->wait_for(connection.id(), "received hello"));
  REQUIRE(f.client_log->wait_for(connection.id(), "sent [1]"));
  CHECK(connection.is_connected());
  CHECK_FALSE(connection.is_opening());
  CHECK(connection.peer());
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  REQUIRE(f.client_log->wait_for(connection.id(), "disconnected closed_by_us"));
  CHECK(f.client_log->of(connection.id()).front() == "connected");
  CHECK(f.log->wait_for("disconnected closed_by_peer"));
}

PORT_TEST_CASE("connect returns at once, and writes wait until the connection is open") {
  port_fixture f{port};
  auto options = f.options();
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto server = f.serve(options, taker::session);
  auto connection = f.open(manager, options.pipe_name);
  for (int i = 0; i < 100; ++i)
    connection.async_write(payload{std::to_string(i)}, cookie::of(i));
  REQUIRE(f.client_log->wait_for("sent [99]"));
  REQUIRE(f.log->wait_for("received 99"));
  auto arrived = f.log->of(f.log->connection().id());
  REQUIRE(arrived.size() == 101);
  for (int i = 0; i < 100; ++i)
    CHECK(arrived[static_cast<size_t>(i) + 1] == "received " + std::to_string(i));
}

PORT_TEST_CASE("connecting to a missing pipe fails at once, and so do the writes that waited") {
  port_fixture f{port};
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, f.options().pipe_name);
  connection.async_write(payload{"lost"}, cookie::of(1));
  REQUIRE(f.client_log->wait_for(connection.id(), "connect failed no_such_pipe"));
  REQUIRE(f.client_log->wait_for(connection.id(), "failed "));
  CHECK(f.client_log->count("connected") == 0);
  CHECK(f.client_log->count("disconnected") == 0);
  CHECK_FALSE(connection.is_opening());
  CHECK_FALSE(connection.is_connected());
  CHECK(code_of(f.ask(connection.actor(), async_write{payload{"x"}, {}})) == errc::not_connected);
}

PORT_TEST_CASE("connecting to an empty name fails with missing_pipe_name") {
  port_fixture f{port};
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, "");
  CHECK(f.client_log->wait_for(connection.id(), "connect failed missing_pipe_name"));
}

PORT_TEST_CASE("connecting to a pipe of the other mode fails with not_a_pipe") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  client_options options;
  options.mode = pipe_mode::byte;
  auto manager = f.manage(options, GENERATE(each_taker()));
  auto connection = f.open(manager, server.options.pipe_name);
  CHECK(f.client_log->wait_for(connection.id(), "connect failed not_a_pipe"));
}

PORT_TEST_CASE("an outgoing connection closes when its last handle is dropped") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, server.options.pipe_name);
  REQUIRE(f.client_log->connection() == connection);
  f.client_log->forget_connections();
  connection = {};
  CHECK(f.log->wait_for("disconnected closed_by_peer"));
  CHECK(f.ask(manager.actor(), stop{}) == caf::none);
}

PORT_TEST_CASE("an outgoing connection that is dropped while it opens is not made") {
  port_fixture f{port};
  client_options options;
  options.reconnect.emplace();
  auto manager = f.manage(options, taker::handler);
  {
    auto connection = f.open(manager, f.options().pipe_name);
    REQUIRE(f.client_log->wait_for(connection.id(), "reconnecting no_such_pipe"));
  }
  CHECK(f.client_log->wait_for("connect failed closed_by_us"));
}

PORT_TEST_CASE("a client manager that stops closes its connections") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  auto manager = f.manage({}, GENERATE(each_taker()));
  std::vector<named_pipe_connection> connections;
  for (int i = 0; i < 10; ++i)
    connections.push_back(f.open(manager, server.options.pipe_name));
  REQUIRE(f.client_log->wait_for("connected", 10));
  CHECK(manager.stop() == caf::none);
  CHECK(f.client_log->wait_for("disconnected closed_by_us", 10));
  CHECK(f.log->wait_for("disconnected closed_by_peer", 10));
  // And it may go on.
  auto again = f.open(manager, server.options.pipe_name);
  CHECK(f.client_log->wait_for(again.id(), "connected"));
}

PORT_TEST_CASE("several bridges share the outgoing connections") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  client_options options;
  options.num_threads = 3;
  auto manager = f.manage(options, taker::session);
  std::vector<named_pipe_connection> connections;
  for (int i = 0; i < 12; ++i) {
    connections.push_back(f.open(manager, server.options.pipe_name));
    REQUIRE(f.client_log->wait_for(connections.back().id(), "connected"));
    connections.back().async_write(payload{"x"});
  }
  REQUIRE(f.client_log->wait_for("received x", 12));
  CHECK(f.client_log->threads().size() == 3);
}

PORT_TEST_CASE(
  "connecting to a server that is busy does not delay the traffic of other connections") {
  port_fixture f{port};
  // One of another context, which accepts nobody while its only bridge is held up.
  auto held = std::make_shared<gate>();
  script todo;
  todo.connected = [held](const named_pipe_connection&) { held->pass(); };
  context_options apart;
  apart.make_port = f.ports();
  pipeactor::context busy{f.system(), apart};
  // Before its context ends, also if the case fails.
  std::shared_ptr<void> opens{nullptr, [held](void*) { held->open(); }};
  auto options = f.options();
  options.pending_instances = 1;
  f.started(busy.spawn_server<recording_session>(options, f.log, todo), options);
  auto server = f.serve(f.options(), taker::session, echo());
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto talker = f.open(manager, server.options.pipe_name);
  std::vector<named_pipe_connection> waiting;
  waiting.push_back(f.open(manager, options.pipe_name));
  REQUIRE(held->wait_for_visitor());
  // More than wait outside: the last ones find it busy.
  for (int i = 0; i < 10; ++i)
    waiting.push_back(f.open(manager, options.pipe_name));
  for (size_t round = 1; round <= 3; ++round) {
    for (int i = 0; i < 100; ++i)
      talker.async_write(payload{"x"});
    CHECK(f.client_log->wait_for(talker.id(), "received x", 100 * round));
  }
  CHECK(waiting.back().is_opening());
  held->open();
  for (auto& connection : waiting)
    CHECK(f.client_log->wait_for(connection.id(), "connected"));
}

PORT_TEST_CASE("an attempt to connect does not delay the traffic of other connections") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto talker = f.open(manager, server.options.pipe_name);
  auto lost = f.open(manager, unused_name());
  for (int i = 0; i < 100; ++i)
    talker.async_write(payload{"x"});
  CHECK(f.client_log->wait_for(talker.id(), "received x", 100));
  CHECK(f.client_log->wait_for(lost.id(), "connect failed no_such_pipe"));
}
