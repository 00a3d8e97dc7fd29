// Connections that come back by themselves.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

client_options reconnecting_options(offline_writes writes = offline_writes::wait) {
  client_options result;
  result.reconnect.emplace();
  result.reconnect->initial_delay = 5ms;
  result.reconnect->max_delay = 50ms;
  result.reconnect->writes = writes;
  return result;
}

} // namespace

TEST_CASE("a connection waits for a server that is not there yet") {
  port_fixture f;
  auto options = f.options();
  auto log = std::make_shared<event_log>();
  auto manager = f.manage(reconnecting_options(), each_taker(), log);
  auto connection = f.open(manager, options.pipe_name);
  connection.async_write(payload{"early"}, cookie::of(1));
  REQUIRE(log->wait_for(connection.id(), "reconnecting no_such_pipe", 2));
  CHECK(connection.is_opening());
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, heard);
  CHECK(heard->wait_for("received early"));
  REQUIRE(log->wait_for(connection.id(), "sent [1]"));
  CHECK(connection.is_connected());
}

TEST_CASE("a connection comes back when its server does, and every change is told") {
  port_fixture f;
  auto options = f.options();
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, heard, echo());
  auto log = std::make_shared<event_log>();
  auto manager = f.manage(reconnecting_options(), each_taker(), log);
  auto connection = f.open(manager, options.pipe_name);
  for (size_t round = 1; round <= 3; ++round) {
    REQUIRE(log->wait_for(connection.id(), "connected", round));
    connection.async_write(payload{std::to_string(round)}, cookie::of(int(round)));
    REQUIRE(log->wait_for(connection.id(), "received " + std::to_string(round)));
    REQUIRE(server.server.stop() == caf::none);
    REQUIRE(log->wait_for(connection.id(), "reconnecting closed_by_peer", round));
    REQUIRE(server.server.start());
  }
  REQUIRE(log->wait_for(connection.id(), "connected", 4));
  CHECK(log->count("disconnected") == 0);
  CHECK_FALSE(f.ask<>(connection.actor(), async_close{}));
  REQUIRE(log->wait_for(connection.id(), "disconnected closed_by_us"));
  CHECK_FALSE(connection.is_connected());
  CHECK_FALSE(connection.is_opening());
}

TEST_CASE("writes between two connections wait, in order") {
  port_fixture f;
  auto options = f.options();
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, heard);
  auto log = std::make_shared<event_log>();
  auto manager = f.manage(reconnecting_options(), each_taker(), log);
  auto connection = f.open(manager, options.pipe_name);
  REQUIRE(log->wait_for(connection.id(), "connected"));
  REQUIRE(server.server.stop() == caf::none);
  REQUIRE(log->wait_for(connection.id(), "reconnecting"));
  for (int i = 0; i < 50; ++i)
    connection.async_write(payload{std::to_string(i)}, cookie::of(i));
  REQUIRE(server.server.start());
  REQUIRE(heard->wait_for("received 49"));
  REQUIRE(log->wait_for(connection.id(), "sent", 50));
  CHECK(log->count("failed", connection.id()) == 0);
  lines arrived;
  for (auto& line : heard->all())
    if (line.rfind("received ", 0) == 0)
      arrived.push_back(line);
  REQUIRE(arrived.size() == 50);
  for (size_t i = 0; i < 50; ++i)
    CHECK(arrived[i] == "received " + std::to_string(i));
}

TEST_CASE("writes between two connections fail where that was chosen") {
  port_fixture f;
  auto options = f.options();
  auto server = f.serve(options, taker::session, std::make_shared<event_log>());
  auto log = std::make_shared<event_log>();
  auto manager = f.manage(reconnecting_options(offline_writes::fail), each_taker(), log);
  auto connection = f.open(manager, options.pipe_name);
  REQUIRE(log->wait_for(connection.id(), "connected"));
  REQUIRE(server.server.stop() == caf::none);
  REQUIRE(log->wait_for(connection.id(), "reconnecting no_such_pipe"));
  CHECK(code_of(f.ask<>(connection.actor(), async_write{payload{"x"}, cookie::of(1)}))
        == errc::not_connected);
  CHECK(log->wait_for(connection.id(), "failed not_connected [1]"));
  REQUIRE(server.server.start());
  REQUIRE(log->wait_for(connection.id(), "connected", 2));
  CHECK_FALSE(f.ask<>(connection.actor(), async_write{payload{"y"}, {}}));
}

TEST_CASE("what the lost connection had not sent fails, each cookie once") {
  port_fixture f;
  auto options = f.options();
  options.continuously_read = false; // reads nothing: writes pile up
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(options, taker::handler, heard);
  auto log = std::make_shared<event_log>();
  auto manager = f.manage(reconnecting_options(), each_taker(), log);
  auto connection = f.open(manager, options.pipe_name);
  constexpr size_t count = 400;
  auto block = payload{pattern(30'000)};
  for (size_t i = 0; i < count; ++i)
    connection.async_write(block, cookie::of(int(i)));
  REQUIRE(log->wait_for(connection.id(), "sent"));
  heard->connection().async_close();
  REQUIRE(log->wait_for(connection.id(), "reconnecting"));
  REQUIRE(log->wait_for(connection.id(), "connected", 2));
  for (size_t i = 0; i < count; ++i)
    if (auto cookie = " [" + std::to_string(i) + "]"; log->count("sent" + cookie) == 0)
      CHECK(log->wait_for(connection.id(), "failed "));
  CHECK(log->count("sent") + log->count("failed") == count);
}

TEST_CASE("a session that hears of a lost connection may close it for good") {
  port_fixture f;
  auto options = f.options();
  auto heard = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, heard);
  auto log = std::make_shared<event_log>();
  auto client = reconnecting_options(offline_writes::fail);
  client.continuously_read = false;
  script todo;
  todo.failed = [](const named_pipe_connection& connection, const cookie&, const caf::error&) {
    connection.async_close();
  };
  struct closing_session : recording_session {
    using recording_session::recording_session;

    void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
      recording_session::message_failed(cookie, error);
      async_close();
    }
  };
  auto manager = each_taker() == taker::session
                   ? f.context().spawn_client_manager<closing_session>(client, log)
                   : f.context().spawn_client_manager(client, f.spawn_handler(log, todo));
  auto connection = f.open(manager, options.pipe_name);
  connection.async_read(cookie::of(1));
  connection.async_read(cookie::of(2));
  REQUIRE(log->wait_for(connection.id(), "connected"));
  heard->connection().async_close();
  REQUIRE(log->wait_for(connection.id(), "disconnected closed_by_us"));
  // A handler actor hears of it when the next attempt is on its way.
  CHECK(log->count("failed", connection.id()) == 2);
}

TEST_CASE("a connection gives up after max_attempts") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto options = reconnecting_options();
  options.reconnect->max_attempts = 3;
  auto manager = f.manage(options, each_taker(), log);
  auto connection = f.open(manager, f.options().pipe_name);
  REQUIRE(log->wait_for(connection.id(), "connect failed no_such_pipe"));
  CHECK(log->count("reconnecting", connection.id()) == 3);
  CHECK_FALSE(connection.is_opening());
}

TEST_CASE("what time does not mend ends a connection at once") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto manager = f.manage(reconnecting_options(), each_taker(), log);
  auto connection = f.open(manager, "");
  CHECK(log->wait_for(connection.id(), "connect failed missing_pipe_name"));
  CHECK(log->count("reconnecting") == 0);
}

TEST_CASE("an exception in a session is not mended by coming back") {
  port_fixture f;
  auto server = f.serve(f.options(), taker::session, std::make_shared<event_log>());
  auto log = std::make_shared<event_log>();
  script todo;
  todo.connected = [](const named_pipe_connection&) { throw std::runtime_error("on purpose"); };
  auto manager = f.manage(reconnecting_options(), taker::session, log, todo);
  auto connection = f.open(manager, server.options.pipe_name);
  CHECK(log->wait_for(connection.id(), "disconnected handler_failed"));
}
