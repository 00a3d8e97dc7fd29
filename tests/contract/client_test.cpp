// Outgoing connections: the client manager and its connections. The server is one of ours.

#include "contract/fixture.hpp"

using namespace contract;

TEST_CASE("a client connection has the requests and events of a server's") {
  port_fixture f;
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, heard, echo());
  auto log = std::make_shared<event_log>();
  auto manager = f.manage({}, each_taker(), log);
  auto connection = f.open(manager, server.options.pipe_name);
  connection.async_write(payload{"hello"}, cookie::of(1));
  REQUIRE(log->wait_for(connection.id(), "received hello"));
  REQUIRE(log->wait_for(connection.id(), "sent [1]"));
  CHECK(connection.is_connected());
  CHECK_FALSE(connection.is_opening());
  CHECK(connection.peer());
  CHECK_FALSE(f.ask<>(connection.actor(), async_close{}));
  REQUIRE(log->wait_for(connection.id(), "disconnected closed_by_us"));
  CHECK(log->of(connection.id()).front() == "connected");
  CHECK(heard->wait_for("disconnected closed_by_peer"));
}

TEST_CASE("connect returns at once, and what is written meanwhile is sent when it is open") {
  port_fixture f;
  auto options = f.options();
  auto log = std::make_shared<event_log>();
  auto manager = f.manage({}, each_taker(), log);
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, heard);
  auto connection = f.open(manager, options.pipe_name);
  for (int i = 0; i < 100; ++i)
    connection.async_write(payload{std::to_string(i)}, cookie::of(i));
  REQUIRE(log->wait_for("sent [99]"));
  REQUIRE(heard->wait_for("received 99"));
  auto arrived = heard->of(heard->connection().id());
  REQUIRE(arrived.size() == 101);
  for (int i = 0; i < 100; ++i)
    CHECK(arrived[static_cast<size_t>(i) + 1] == "received " + std::to_string(i));
}

TEST_CASE("a pipe that is not there is told at once, and what was written fails") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto manager = f.manage({}, each_taker(), log);
  auto connection = f.open(manager, f.options().pipe_name);
  connection.async_write(payload{"lost"}, cookie::of(1));
  REQUIRE(log->wait_for(connection.id(), "connect failed no_such_pipe"));
  REQUIRE(log->wait_for(connection.id(), "failed "));
  CHECK(log->count("connected") == 0);
  CHECK(log->count("disconnected") == 0);
  CHECK_FALSE(connection.is_opening());
  CHECK_FALSE(connection.is_connected());
  CHECK(code_of(f.ask<>(connection.actor(), async_write{payload{"x"}, {}})) == errc::not_connected);
}

TEST_CASE("a name that cannot be is told from one that is not there") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto manager = f.manage({}, each_taker(), log);
  auto connection = f.open(manager, "");
  CHECK(log->wait_for(connection.id(), "connect failed missing_pipe_name"));
}

TEST_CASE("a pipe of the other mode is told from one that is not there") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, std::make_shared<event_log>());
  client_options options;
  options.mode = pipe_mode::byte;
  auto manager = f.manage(options, each_taker(), log);
  auto connection = f.open(manager, server.options.pipe_name);
  CHECK(log->wait_for(connection.id(), "connect failed not_a_pipe"));
}

TEST_CASE("the last handle that goes closes a client connection") {
  port_fixture f;
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, heard);
  auto log = std::make_shared<event_log>();
  auto manager = f.manage({}, each_taker(), log);
  auto connection = f.open(manager, server.options.pipe_name);
  REQUIRE(log->connection() == connection);
  log->forget_connections();
  connection = {};
  CHECK(heard->wait_for("disconnected closed_by_peer"));
  CHECK(f.ask<>(manager.actor(), stop{}) == caf::none);
}

TEST_CASE("a client connection that is dropped while opening is not made") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  client_options options;
  options.reconnect.emplace();
  auto manager = f.manage(options, taker::handler, log);
  {
    auto connection = f.open(manager, f.options().pipe_name);
    REQUIRE(log->wait_for(connection.id(), "reconnecting no_such_pipe"));
  }
  CHECK(log->wait_for("connect failed closed_by_us"));
}

TEST_CASE("a client manager that stops closes its connections") {
  port_fixture f;
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, heard);
  auto log = std::make_shared<event_log>();
  auto manager = f.manage({}, each_taker(), log);
  std::vector<named_pipe_connection> connections;
  for (int i = 0; i < 10; ++i)
    connections.push_back(f.open(manager, server.options.pipe_name));
  REQUIRE(log->wait_for("connected", 10));
  CHECK(manager.stop() == caf::none);
  CHECK(log->wait_for("disconnected closed_by_us", 10));
  CHECK(heard->wait_for("disconnected closed_by_peer", 10));
  // And it may go on.
  auto again = f.open(manager, server.options.pipe_name);
  CHECK(log->wait_for(again.id(), "connected"));
}

TEST_CASE("client connections are shared by several bridges") {
  port_fixture f;
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, heard, echo());
  client_options options;
  options.num_threads = 3;
  auto log = std::make_shared<event_log>();
  auto manager = f.manage(options, taker::session, log);
  std::vector<named_pipe_connection> connections;
  for (int i = 0; i < 12; ++i) {
    connections.push_back(f.open(manager, server.options.pipe_name));
    REQUIRE(log->wait_for(connections.back().id(), "connected"));
    connections.back().async_write(payload{"x"});
  }
  REQUIRE(log->wait_for("received x", 12));
  CHECK(log->threads().size() == 3);
}

TEST_CASE("connecting holds nobody up: a busy server is asked again beside the traffic of others") {
  port_fixture f;
  auto busy = f.options();
  busy.pending_instances = 1;
  auto server = f.serve(f.options(), taker::session, std::make_shared<event_log>(), echo());
  auto log = std::make_shared<event_log>();
  auto manager = f.manage({}, each_taker(), log);
  auto talker = f.open(manager, server.options.pipe_name);
  auto lost = f.open(manager, busy.pipe_name);
  for (int i = 0; i < 100; ++i)
    talker.async_write(payload{"x"});
  CHECK(log->wait_for(talker.id(), "received x", 100));
  CHECK(log->wait_for(lost.id(), "connect failed no_such_pipe"));
}

TEST_CASE("a context that ends closes client connections, also those that open still") {
  port_fixture f;
  auto server = f.serve(f.options(), taker::session, std::make_shared<event_log>());
  auto log = std::make_shared<event_log>();
  client_options options;
  options.reconnect.emplace();
  auto manager = f.manage(options, each_taker(), log);
  auto open = f.open(manager, server.options.pipe_name);
  auto opening = f.open(manager, f.options().pipe_name);
  REQUIRE(log->wait_for(open.id(), "connected"));
  REQUIRE(log->wait_for(opening.id(), "reconnecting"));
  f.end_context();
  CHECK(log->wait_for(opening.id(), "connect failed closed_by_us"));
  REQUIRE(log->wait_for(open.id(), "disconnected"));
  CHECK_FALSE(open.is_connected());
  CHECK_FALSE(opening.is_opening());
  log->forget_connections();
}
