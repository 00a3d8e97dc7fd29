// Servers that start and stop.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("server_ready is raised exactly once per start") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::handler);
  CHECK(server.server.start());
  CHECK(server.server.start());
  CHECK_FALSE(server.server.stop());
  CHECK(server.server.start());
  CHECK_FALSE(server.server.stop());
  CHECK(f.log->wait_for("ready", 2));
  CHECK(f.log->all() == lines(2, "ready " + server.options.pipe_name));
}

PORT_TEST_CASE("server_ready names the server, the pipe, its address and the longest message") {
  port_fixture f{port};
  server_ready seen;
  script todo;
  todo.ready = [&](const server_ready& e) { seen = e; };
  auto server = f.serve(f.options(), taker::handler, todo);
  REQUIRE(f.log->wait_for("ready"));
  f.end_context();
  CHECK(seen.server == server.server.actor());
  CHECK(seen.pipe_name == server.options.pipe_name);
  CHECK(seen.address == server.ready.address);
  CHECK(seen.address.find(server.options.pipe_name) != std::string::npos);
  CHECK(seen.max_message_size == server.ready.max_message_size);
  CHECK(seen.max_message_size >= 200'000);
  CHECK(seen.max_message_size <= defaults::max_message_size);
  // The log's handler may still have to let go of the event.
  seen = {};
}

PORT_TEST_CASE("the handler of a server with sessions takes server_ready and nothing else") {
  port_fixture f{port};
  auto events = std::make_shared<event_log>();
  auto options = f.options();
  auto factory = [events] { return std::make_unique<recording_session>(events); };
  auto server = f.started(f.context().spawn_session_server(options, factory, f.spawn_handler()),
                          options);
  auto client = f.connect(server);
  REQUIRE(events->wait_for("connected"));
  client->close();
  REQUIRE(events->wait_for("disconnected"));
  CHECK_FALSE(server.server.stop());
  CHECK(f.log->all() == lines{"ready " + options.pipe_name});
}

PORT_TEST_CASE("start and stop are idempotent") {
  port_fixture f{port};
  auto server = f.context().spawn_server(f.options(), f.spawn_handler());
  CHECK_FALSE(server.stop());
  auto first = server.start();
  auto second = server.start();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->address == second->address);
  CHECK_FALSE(server.stop());
  CHECK_FALSE(server.stop());
}

PORT_TEST_CASE("a start during a stop is answered after the stop") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::handler);
  auto client = f.connect(server);
  REQUIRE(f.log->wait_for("connected"));
  f.self()->send(server.server.actor(), stop{});
  auto ready = server.server.start();
  REQUIRE(ready);
  CHECK(ready->address == server.ready.address);
  CHECK(client->at_end());
  auto next = f.connect(server);
  CHECK(f.log->wait_for("connected", 2));
  CHECK(f.log->count("ready") == 2);
}

PORT_TEST_CASE("stop is answered after the last client_disconnected was enqueued") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto handler = f.spawn_handler();
  auto server = f.started(f.context().spawn_server(options, handler), options);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 8; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 8));
  CHECK_FALSE(server.server.stop());
  f.self()->send(handler, std::string{"stopped"});
  REQUIRE(f.log->wait_for("stopped"));
  auto all = f.log->all();
  CHECK(all.back() == "stopped");
  CHECK(f.log->count("disconnected closed_by_us") == 8);
  for (auto& client : clients) {
    CHECK(client->at_end());
    CHECK_FALSE(client->was_reset());
  }
}

PORT_TEST_CASE("stop waits for clients that are on their way to another bridge") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = 3;
  for (size_t round = 0; round < 30; ++round) {
    auto handler = f.spawn_handler();
    auto server = f.started(f.context().spawn_server(options, handler), options);
    std::vector<client_ptr> clients;
    for (int i = 0; i < 4; ++i)
      clients.push_back(f.connect(server));
    REQUIRE_FALSE(server.server.stop());
    f.self()->send(handler, std::string{"stopped"});
    REQUIRE(f.log->wait_for("stopped", round + 1));
    // Clients that were no longer accepted raised no event.
    auto seen = f.log->all();
    REQUIRE(f.log->count("disconnected") == f.log->count("connected"));
    for (auto& client : clients)
      REQUIRE(client->at_end());
    REQUIRE(f.log->all() == seen);
    f.log->forget_connections();
  }
}

PORT_TEST_CASE("a name is free as soon as stop is answered") {
  port_fixture f{port};
  auto options = f.options();
  for (int round = 0; round < 20; ++round) {
    auto server = f.serve(options, taker::session, echo());
    auto client = f.connect(server);
    REQUIRE(client->send("round"));
    REQUIRE(client->receive() == "round");
    REQUIRE_FALSE(server.server.stop());
  }
}

PORT_TEST_CASE("a second server on a live name fails with pipe_in_use",
               needs::one_server_per_name) {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto second = f.context().spawn_server(server.options).start();
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::pipe_in_use);
  // The first one is not disturbed.
  auto client = f.connect(server);
  CHECK(client->send("still there"));
  CHECK(client->receive() == "still there");
}

static void start_and_stop(port_kind port, int rounds) {
  port_fixture f{port};
  auto options = f.options();
  options.pending_instances = 4; // on Windows each start makes all of them
  auto server = f.serve(options, taker::session, echo());
  REQUIRE_FALSE(server.server.stop());
  auto before = open_handles();
  for (int round = 0; round < rounds; ++round) {
    auto ready = server.server.start();
    if (!ready)
      FAIL("round " << round << ": " << describe(ready.error()));
    auto client = f.connect(server);
    // Every other round stops while the client is still there, or is not even accepted.
    if (round % 2 == 0) {
      REQUIRE(client->send("x"));
      REQUIRE(client->receive() == "x");
      client->close();
    }
    REQUIRE_FALSE(server.server.stop());
  }
  f.log->forget_connections();
  CHECK(open_handles() <= before + handles_that_come);
}

PORT_TEST_CASE("a server that starts and stops 1,000 times leaks nothing") {
  start_and_stop(port, 1000);
}

PORT_TEST_CASE("a server that starts and stops 20,000 times leaks nothing", "[long]") {
  start_and_stop(port, 20'000);
}

PORT_TEST_CASE(
  "after stop, start and stop in a row nobody listens, and the answers come in order") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto manager = f.manage({}, taker::session);
  auto asker = [log = f.log, whom = server.server.actor()](caf::event_based_actor* self) {
    auto ask_to_stop = [=](const std::string& name) {
      self->request(whom, patience, stop{}).then([=] { log->add(0, "answer to " + name); });
    };
    return caf::behavior{[=](int) {
      ask_to_stop("stop");
      self->request(whom, patience, start{}).then([=](const server_ready&) {
        log->add(0, "answer to start");
      });
      ask_to_stop("last stop");
    }};
  };
  auto worker = f.ended_with_system(f.spawn(asker));
  for (size_t round = 1; round <= 3; ++round) {
    auto client = f.connect(server);
    REQUIRE(f.log->wait_for("connected", round));
    f.self()->send(worker, 1);
    REQUIRE(f.log->wait_for("answer to last stop", round));
    CHECK(f.log->count("answer to stop") == round);
    CHECK(f.log->count("answer to start") == round);
    auto seen = f.log->all();
    seen.erase(std::remove_if(seen.begin(), seen.end(),
                              [](auto& line) { return line.rfind("answer", 0) != 0; }),
               seen.end());
    CHECK(lines(seen.end() - 3, seen.end())
          == lines{"answer to stop", "answer to start", "answer to last stop"});
    CHECK(client->at_end());
    auto refused = f.open(manager, server.options.pipe_name);
    CHECK(f.client_log->wait_for(refused.id(), "connect failed no_such_pipe"));
    REQUIRE(server.server.start());
  }
}

PORT_TEST_CASE("servers that were stopped and dropped are freed before the context ends") {
  port_fixture f{port};
  std::vector<std::weak_ptr<int>> servers;
  for (int round = 0; round < 100; ++round) {
    // The arguments of its sessions live as long as the server does.
    auto token = std::make_shared<int>(round);
    servers.push_back(token);
    script todo;
    todo.disconnected = [token](const named_pipe_connection&, const caf::error&) {};
    token = nullptr;
    auto server = f.serve(f.options(), taker::session, todo);
    todo = {};
    if (round % 10 == 0) {
      auto client = f.connect(server);
      REQUIRE(f.log->connection());
    }
    REQUIRE_FALSE(server.server.stop());
    CHECK_FALSE(servers.back().expired());
    f.log->forget_connections();
  }
  for (auto& token : servers)
    while (!token.expired())
      f.let_bridge_turn();
}
