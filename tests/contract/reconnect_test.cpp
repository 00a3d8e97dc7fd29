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

PORT_TEST_CASE("a connection waits for a server that is not there yet") {
  port_fixture f{port};
  auto options = f.options();
  auto manager = f.manage(reconnecting_options(), GENERATE(each_taker()));
  auto connection = f.open(manager, options.pipe_name);
  connection.async_write(payload{"early"}, cookie::of(1));
  REQUIRE(f.client_log->wait_for(connection.id(), "reconnecting no_such_pipe", 2));
  CHECK(connection.is_opening());
  auto server = f.serve(options, taker::session);
  CHECK(f.log->wait_for("received early"));
  REQUIRE(f.client_log->wait_for(connection.id(), "sent [1]"));
  CHECK(connection.is_connected());
}

PORT_TEST_CASE("a connection comes back when its server does, and each change raises an event") {
  port_fixture f{port};
  auto options = f.options();
  auto server = f.serve(options, taker::session, echo());
  auto manager = f.manage(reconnecting_options(), GENERATE(each_taker()));
  auto connection = f.open(manager, options.pipe_name);
  for (size_t round = 1; round <= 3; ++round) {
    REQUIRE(f.client_log->wait_for(connection.id(), "connected", round));
    connection.async_write(payload{std::to_string(round)}, cookie::of(int(round)));
    REQUIRE(f.client_log->wait_for(connection.id(), "received " + std::to_string(round)));
    REQUIRE(server.server.stop() == caf::none);
    REQUIRE(f.client_log->wait_for(connection.id(), "reconnecting closed_by_peer", round));
    REQUIRE(server.server.start());
  }
  REQUIRE(f.client_log->wait_for(connection.id(), "connected", 4));
  CHECK(f.client_log->count("disconnected") == 0);
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  REQUIRE(f.client_log->wait_for(connection.id(), "disconnected closed_by_us"));
  CHECK_FALSE(connection.is_connected());
  CHECK_FALSE(connection.is_opening());
}

PORT_TEST_CASE("writes wait in order while a connection is lost") {
  port_fixture f{port};
  auto options = f.options();
  auto server = f.serve(options, taker::session);
  auto manager = f.manage(reconnecting_options(), GENERATE(each_taker()));
  auto connection = f.open(manager, options.pipe_name);
  REQUIRE(f.client_log->wait_for(connection.id(), "connected"));
  REQUIRE(server.server.stop() == caf::none);
  REQUIRE(f.client_log->wait_for(connection.id(), "reconnecting"));
  for (int i = 0; i < 50; ++i)
    connection.async_write(payload{std::to_string(i)}, cookie::of(i));
  REQUIRE(server.server.start());
  REQUIRE(f.log->wait_for("received 49"));
  REQUIRE(f.client_log->wait_for(connection.id(), "sent", 50));
  CHECK(f.client_log->count("failed", connection.id()) == 0);
  lines arrived;
  for (auto& line : f.log->all())
    if (line.rfind("received ", 0) == 0)
      arrived.push_back(line);
  REQUIRE(arrived.size() == 50);
  for (size_t i = 0; i < 50; ++i)
    CHECK(arrived[i] == "received " + std::to_string(i));
}

PORT_TEST_CASE("writes fail while a connection is lost, if that was chosen") {
  port_fixture f{port};
  auto options = f.options();
  auto server = f.serve(options, taker::session);
  auto manager = f.manage(reconnecting_options(offline_writes::fail), GENERATE(each_taker()));
  auto connection = f.open(manager, options.pipe_name);
  REQUIRE(f.client_log->wait_for(connection.id(), "connected"));
  REQUIRE(server.server.stop() == caf::none);
  REQUIRE(f.client_log->wait_for(connection.id(), "reconnecting no_such_pipe"));
  CHECK(code_of(f.ask(connection.actor(), async_write{payload{"x"}, cookie::of(1)}))
        == errc::not_connected);
  CHECK(f.client_log->wait_for(connection.id(), "failed not_connected [1]"));
  REQUIRE(server.server.start());
  REQUIRE(f.client_log->wait_for(connection.id(), "connected", 2));
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"y"}, {}}));
}

PORT_TEST_CASE("writes that a lost connection had not sent fail, each cookie once") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false; // reads nothing: writes pile up
  auto server = f.serve(options, taker::handler);
  auto manager = f.manage(reconnecting_options(), GENERATE(each_taker()));
  auto connection = f.open(manager, options.pipe_name);
  constexpr size_t count = 400;
  auto block = payload{pattern(30'000)};
  for (size_t i = 0; i < count; ++i)
    connection.async_write(block, cookie::of(int(i)));
  REQUIRE(f.client_log->wait_for(connection.id(), "sent"));
  f.log->connection().async_close();
  REQUIRE(f.client_log->wait_for(connection.id(), "reconnecting"));
  REQUIRE(f.client_log->wait_for(connection.id(), "connected", 2));
  // Each one: the sum is right even if one cookie comes back twice and another never.
  auto returned = [&](size_t i) {
    size_t result = 0;
    for (auto& line : f.client_log->of(connection.id()))
      if (auto cookie = " [" + std::to_string(i) + "]";
          line.size() > cookie.size()
          && line.compare(line.size() - cookie.size(), cookie.size(), cookie) == 0)
        ++result;
    return result;
  };
  for (size_t i = 0; i < count; ++i)
    if (returned(i) != 1)
      FAIL_CHECK("cookie " << i << " came back " << returned(i) << " times");
}

PORT_TEST_CASE("a session may close a connection that was lost") {
  port_fixture f{port};
  auto options = f.options();
  auto server = f.serve(options, taker::session);
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
  auto manager = GENERATE(each_taker()) == taker::session
                   ? f.context().spawn_client_manager<closing_session>(client, f.client_log)
                   : f.manage(client, taker::handler, todo);
  auto connection = f.open(manager, options.pipe_name);
  connection.async_read(cookie::of(1));
  connection.async_read(cookie::of(2));
  REQUIRE(f.client_log->wait_for(connection.id(), "connected"));
  f.log->connection().async_close();
  REQUIRE(f.client_log->wait_for(connection.id(), "disconnected closed_by_us"));
  // A handler actor gets the event when the next attempt is already under way.
  CHECK(f.client_log->count("failed", connection.id()) == 2);
}

PORT_TEST_CASE("a connection gives up after max_attempts") {
  port_fixture f{port};
  auto options = reconnecting_options();
  options.reconnect->max_attempts = 3;
  auto manager = f.manage(options, GENERATE(each_taker()));
  auto connection = f.open(manager, f.options().pipe_name);
  REQUIRE(f.client_log->wait_for(connection.id(), "connect failed no_such_pipe"));
  CHECK(f.client_log->count("reconnecting", connection.id()) == 3);
  CHECK_FALSE(connection.is_opening());
}

PORT_TEST_CASE("an error that another attempt cannot cure ends a connection at once") {
  port_fixture f{port};
  auto manager = f.manage(reconnecting_options(), GENERATE(each_taker()));
  auto connection = f.open(manager, "");
  CHECK(f.client_log->wait_for(connection.id(), "connect failed missing_pipe_name"));
  CHECK(f.client_log->count("reconnecting") == 0);
}

PORT_TEST_CASE("a connection does not come back after an exception in its session") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  script todo;
  todo.connected = [](const named_pipe_connection&) { throw std::runtime_error("on purpose"); };
  auto manager = f.manage(reconnecting_options(), taker::session, todo);
  auto connection = f.open(manager, server.options.pipe_name);
  CHECK(f.client_log->wait_for(connection.id(), "disconnected handler_failed"));
}

namespace {

/// Returns a script that greets each client and closes.
script greet_and_close() {
  script result;
  result.connected = [](const named_pipe_connection& connection) {
    connection.async_write(payload{"hello"});
    connection.close_after_drain(patience);
  };
  return result;
}

} // namespace

PORT_TEST_CASE("a close, a stop and an exit message end a connection that drains, and it does not "
               "come back") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, greet_and_close());
  auto how = GENERATE(as<std::string>{}, "close", "stop", "exit");
  CAPTURE(how);
  for (size_t round = 1; round <= 3; ++round) {
    // The connection drains while its handler is behind.
    auto slow = std::make_shared<gate>();
    script todo;
    todo.received = [slow](const named_pipe_connection&, const cookie&, const payload&) {
      slow->pass();
    };
    auto manager = f.manage(reconnecting_options(), taker::handler, todo);
    auto connection = f.open(manager, server.options.pipe_name);
    REQUIRE(slow->wait_for_visitor());
    REQUIRE(f.log->wait_for("disconnected", round));
    while (connection.is_connected())
      f.let_bridge_turn();
    f.let_bridge_turn();
    if (how == "close")
      CHECK_FALSE(f.ask(connection.actor(), async_close{}));
    else if (how == "stop")
      CHECK_FALSE(manager.stop());
    else
      caf::anon_send_exit(connection.actor(), caf::exit_reason::user_shutdown);
    f.let_bridge_turn();
    slow->open();
    REQUIRE(f.client_log->wait_for(connection.id(), "disconnected"));
    CHECK(f.client_log->of(connection.id())
          == lines{"connected", "received hello", "disconnected closed_by_peer"});
    CHECK(f.log->count("connected") == round);
  }
}

PORT_TEST_CASE("an exception in the last events of a lost connection ends it") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false; // reads nothing: writes pile up
  auto server = f.serve(options, taker::session);
  script todo;
  todo.failed = [](const named_pipe_connection&, const cookie&, const caf::error&) {
    throw std::runtime_error{"on purpose"};
  };
  auto manager = f.manage(reconnecting_options(), taker::session, todo);
  auto block = payload{pattern(30'000)};
  constexpr size_t count = 100;
  for (size_t round = 0; round < 3; ++round) {
    auto connection = f.open(manager, options.pipe_name);
    for (size_t i = 0; i < count; ++i)
      connection.async_write(block, cookie::of(int(i)));
    REQUIRE(f.client_log->wait_for(connection.id(), "sent"));
    f.log->connection(round).async_close();
    REQUIRE(f.client_log->wait_for(connection.id(), "disconnected"));
    CHECK(f.client_log->count("reconnecting", connection.id()) == 0);
    CHECK(f.client_log->count("connected", connection.id()) == 1);
    CHECK(f.client_log->count("sent", connection.id())
            + f.client_log->count("failed", connection.id())
          == count);
  }
}
