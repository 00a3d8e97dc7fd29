// The end of a context, and of its actor system.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("destroying the context with live connections does not hang") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 3);
  auto server = f.serve(options, GENERATE(each_taker()));
  std::vector<client_ptr> clients;
  for (int i = 0; i < 6; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 6));
  // In the middle of things: writes that wait, and messages under way.
  for (size_t i = 0; i < 6; ++i) {
    f.log->connection(i).async_write(payload{pattern(1'000'000)}, cookie::of(1));
    clients[i]->send("x");
  }
  f.end_context();
  REQUIRE(f.log->wait_for("disconnected closed_by_us", 6));
  CHECK(f.log->count("sent") + f.log->count("failed") == 6);
  for (auto& client : clients) {
    client->receive_all();
    CHECK(client->at_end());
  }
}

PORT_TEST_CASE("handles that outlive the context answer not_connected") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  f.end_context();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK_FALSE(connection.is_connected());
  CHECK(code_of(f.ask(connection.actor(), async_write{payload{"x"}, cookie::of(1)}))
        == errc::not_connected);
  CHECK(f.log->wait_for("failed not_connected [1]"));
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  CHECK_FALSE(server.server.start(500ms));
}

PORT_TEST_CASE("destroying context and system does not hang while handles are kept") {
  port_fixture f{port};
  // Never dropped: an actor of CAF that ends after its system reaches for the system's clock.
  static auto& kept = *new std::vector<named_pipe_connection>;
  static auto& kept_servers = *new std::vector<named_pipe_server>;
  auto client = [&] {
    auto server = f.serve(f.options(), GENERATE(each_taker()));
    kept_servers.push_back(server.server);
    auto [client, connection] = f.connect_and_wait(server);
    kept.push_back(connection);
    return client;
  }();
  f.end_system();
  CHECK(client->at_end());
  CHECK_FALSE(kept.back().is_connected());
  CHECK(kept.back().native_handle() == invalid_native_handle);
  CHECK(f.log->count("disconnected closed_by_us") == 1);
}

PORT_TEST_CASE("a context ends even if nobody started a server, or nobody holds it") {
  port_fixture f{port};
  f.context().spawn_server(f.options(), f.spawn_handler());
  auto options = f.options();
  auto ready = f.context().spawn_server(options, f.spawn_handler(echo())).start();
  REQUIRE(ready);
  // It runs although nobody holds it.
  auto client = f.connect({{}, *ready, options});
  CHECK(client->send("x"));
  CHECK(client->receive() == "x");
}

PORT_TEST_CASE("a context that ends closes outgoing connections, even those that still open") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  client_options options;
  options.reconnect.emplace();
  auto manager = f.manage(options, GENERATE(each_taker()));
  auto open = f.open(manager, server.options.pipe_name);
  auto opening = f.open(manager, f.options().pipe_name);
  REQUIRE(f.client_log->wait_for(open.id(), "connected"));
  REQUIRE(f.client_log->wait_for(opening.id(), "reconnecting"));
  f.end_context();
  CHECK(f.client_log->wait_for(opening.id(), "connect failed closed_by_us"));
  REQUIRE(f.client_log->wait_for(open.id(), "disconnected"));
  CHECK_FALSE(open.is_connected());
  CHECK_FALSE(opening.is_opening());
  f.client_log->forget_connections();
}

PORT_TEST_CASE("servers of one context share its bridges, and end one by one") {
  port_fixture f{port};
  auto one = f.serve(f.options(), taker::session, echo());
  auto two = f.serve(f.options(), taker::session, echo());
  auto client_of_one = f.connect(one);
  auto client_of_two = f.connect(two);
  CHECK_FALSE(one.server.stop());
  CHECK(client_of_one->at_end());
  CHECK(client_of_two->send("x"));
  CHECK(client_of_two->receive() == "x");
}

PORT_TEST_CASE("what is asked of a server or client manager after the context's end is answered "
               "with shutting_down") {
  port_fixture f{port};
  auto running = f.serve(f.options(), taker::session).server;
  auto stopped = f.serve(f.options(), taker::session).server;
  CHECK_FALSE(stopped.stop());
  auto fresh = f.context().spawn_server(f.options(), f.spawn_handler());
  auto manager = f.manage({}, taker::session);
  f.end_context();
  for (int round = 0; round < 2; ++round) {
    for (auto& actor : {running.actor(), stopped.actor(), fresh.actor()}) {
      CHECK(code_of(f.ask_for<server_ready>(actor, start{}).error()) == errc::shutting_down);
      CHECK(code_of(f.ask(actor, stop{})) == errc::shutting_down);
      CHECK(code_of(f.ask(actor, get_stats{})) == errc::shutting_down);
    }
    CHECK(code_of(f.ask(manager.actor(), pipeactor::connect{"svc"})) == errc::shutting_down);
    CHECK(code_of(f.ask(manager.actor(), find_named_pipes{})) == errc::shutting_down);
    for (auto& server : {running, stopped, fresh}) {
      CHECK(code_of(server.start().error()) == errc::shutting_down);
      CHECK(code_of(server.stop()) == errc::shutting_down);
      CHECK(code_of(server.connections().error()) == errc::shutting_down);
      CHECK(code_of(server.stats().error()) == errc::shutting_down);
    }
    CHECK(code_of(manager.connect("svc").error()) == errc::shutting_down);
    CHECK(code_of(manager.find_named_pipes().error()) == errc::shutting_down);
    CHECK(code_of(manager.stats().error()) == errc::shutting_down);
    CHECK(code_of(manager.stop()) == errc::shutting_down);
  }
}
