// Actors that exit, or are killed.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("a connection's actor closes its pipe before it exits") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  f.self()->monitor(connection.actor());
  caf::anon_send_exit(connection.actor(), caf::exit_reason::user_shutdown);
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(client->at_end());
  auto ended = false;
  f.self()->receive(
    [&](const caf::down_msg& x) { ended = x.reason == caf::exit_reason::user_shutdown; },
    caf::after(patience) >> [] {});
  CHECK(ended);
  for (int i = 0; i < 2; ++i) {
    CHECK(code_of(f.ask(connection.actor(), async_write{payload{"x"}, {}})) == errc::not_connected);
    CHECK(code_of(f.ask(connection.actor(), get_stats{})) == errc::not_connected);
  }
  CHECK_FALSE(connection.is_connected());
  CHECK(server.server.connections()->empty());
}

PORT_TEST_CASE("a connection's actor that is killed leaks no handle") {
  port_fixture f{port};
  auto who = GENERATE(each_taker());
  auto server = f.serve(f.options(), who);
  auto before = open_handles();
  for (size_t round = 0; round < 40; ++round) {
    auto client = f.connect(server);
    auto connection = f.log->connection(round);
    REQUIRE(connection);
    connection.async_write(payload{pattern(100'000)}, cookie::of(1));
    caf::anon_send_exit(connection.actor(), caf::exit_reason::kill);
    client->receive_all();
    REQUIRE(client->at_end());
    // A session died with its actor; a handler actor gets the event, with the connection's number.
    if (who == taker::handler)
      REQUIRE(f.log->wait_for(connection.id(), "disconnected closed_by_us"));
  }
  CHECK_FALSE(server.server.stop());
  CHECK(server.server.start());
  CHECK(open_handles() <= before + handles_that_come);
}

PORT_TEST_CASE("a connection is closed when an actor that it is linked to fails") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto worker = f.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[=](const named_pipe_connection& to) {
              self->link_to(to.actor());
              return 1;
            },
            [=](int) { self->quit(caf::exit_reason::unhandled_exception); }};
  });
  CHECK(f.ask_for<int>(worker, connection));
  f.self()->send(worker, 0);
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(client->at_end());
}

PORT_TEST_CASE("an actor that is linked to a connection ends with it") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  auto [client, connection] = f.connect_and_wait(server);
  auto worker = f.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[=](const named_pipe_connection& to) {
      self->link_to(to.actor());
      return 1;
    }};
  });
  CHECK(f.ask_for<int>(worker, connection));
  f.self()->monitor(worker);
  caf::anon_send_exit(connection.actor(), caf::exit_reason::user_shutdown);
  auto ended = false;
  f.self()->receive([&](const caf::down_msg&) { ended = true; }, caf::after(patience) >> [] {});
  CHECK(ended);
  CHECK(client->at_end());
}

PORT_TEST_CASE("a handler actor that quits stops nothing") {
  port_fixture f{port};
  auto options = f.options();
  auto handler = f.spawn_handler(echo());
  auto server = f.started(f.context().spawn_server(options, handler), options);
  auto [client, connection] = f.connect_and_wait(server);
  f.self()->monitor(handler);
  caf::anon_send_exit(handler, caf::exit_reason::user_shutdown);
  f.self()->receive([](const caf::down_msg&) {});
  CHECK(client->send("nobody hears"));
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"x"}, {}}));
  CHECK(client->receive() == "x");
  auto later = f.connect(server);
  client->close();
  later->close();
  connection.async_close();
  CHECK_FALSE(server.server.stop());
}
