// Starting, stopping and asking a server.

#include "contract/fixture.hpp"

using namespace contract;

TEST_CASE("server_ready is raised exactly once per start") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::handler, log);
  CHECK(server.server.start());
  CHECK(server.server.start());
  CHECK_FALSE(server.server.stop());
  CHECK(server.server.start());
  CHECK_FALSE(server.server.stop());
  CHECK(log->wait_for("ready", 2));
  CHECK(log->all() == lines(2, "ready " + server.options.pipe_name));
}

TEST_CASE("server_ready names the server, the pipe, its address and the longest message") {
  port_fixture f;
  server_ready seen;
  script todo;
  todo.ready = [&](const server_ready& e) { seen = e; };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::handler, log, todo);
  REQUIRE(log->wait_for("ready"));
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

TEST_CASE("a session's server tells its handler when it is ready, and nothing else") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto events = std::make_shared<event_log>();
  auto options = f.options();
  auto factory = [events] { return std::make_unique<recording_session>(events); };
  auto server = f.started(f.context().spawn_session_server(options, factory, f.spawn_handler(log)),
                          options);
  auto client = f.connect(server);
  REQUIRE(events->wait_for("connected"));
  client->close();
  REQUIRE(events->wait_for("disconnected"));
  CHECK_FALSE(server.server.stop());
  CHECK(log->all() == lines{"ready " + options.pipe_name});
}

TEST_CASE("start and stop are idempotent") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.context().spawn_server(f.options(), f.spawn_handler(log));
  CHECK_FALSE(server.stop());
  auto first = server.start();
  auto second = server.start();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->address == second->address);
  CHECK_FALSE(server.stop());
  CHECK_FALSE(server.stop());
}

TEST_CASE("a start that comes while a server stops is answered after it") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::handler, log);
  auto client = f.connect(server);
  REQUIRE(log->wait_for("connected"));
  f.self()->send(server.server.actor(), stop{});
  auto ready = server.server.start();
  REQUIRE(ready);
  CHECK(ready->address == server.ready.address);
  CHECK(client->at_end());
  auto next = f.connect(server);
  CHECK(log->wait_for("connected", 2));
  CHECK(log->count("ready") == 2);
}

TEST_CASE("a server cannot start without a pipe name") {
  port_fixture f;
  auto options = f.options();
  options.pipe_name.clear();
  auto ready = f.context().spawn_server(options).start();
  REQUIRE_FALSE(ready);
  CHECK(code_of(ready.error()) == errc::missing_pipe_name);
  CHECK(describe(ready.error()).find("cannot start without specifying a pipe name")
        != std::string::npos);
}

TEST_CASE("a server cannot start with an option out of range") {
  port_fixture f;
  auto options = f.options();
  options.num_threads = 0;
  auto ready = f.context().spawn_server(options).start();
  REQUIRE_FALSE(ready);
  CHECK(code_of(ready.error()) == errc::invalid_option);
  CHECK(describe(ready.error()).find("num_threads") != std::string::npos);
}

TEST_CASE("a max_message_size that the system does not grant fails at start") {
  port_fixture f;
  auto options = f.options();
  options.max_message_size = size_t{1} << 30;
  auto ready = f.context().spawn_server(options).start();
  REQUIRE_FALSE(ready);
  INFO(describe(ready.error()));
  CHECK(code_of(ready.error()) == errc::invalid_option);
}

TEST_CASE("a second server on a live name is told that the pipe is in use") {
  port_fixture f;
  if (!f.guards_names())
    return;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, log, echo());
  auto second = f.context().spawn_server(server.options).start();
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::pipe_in_use);
  // The first one is not disturbed.
  auto client = f.connect(server);
  CHECK(client->send("still there"));
  CHECK(client->receive() == "still there");
}

TEST_CASE("stop is answered after the last client_disconnected was enqueued") {
  port_fixture f;
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto log = std::make_shared<event_log>();
  auto handler = f.spawn_handler(log);
  auto server = f.started(f.context().spawn_server(options, handler), options);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 8; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(log->wait_for("connected", 8));
  CHECK_FALSE(server.server.stop());
  f.self()->send(handler, std::string{"stopped"});
  REQUIRE(log->wait_for("stopped"));
  auto all = log->all();
  CHECK(all.back() == "stopped");
  CHECK(log->count("disconnected closed_by_us") == 8);
  for (auto& client : clients) {
    CHECK(client->at_end());
    CHECK_FALSE(client->was_reset());
  }
}

TEST_CASE("stop waits for clients that are on their way to another bridge") {
  port_fixture f;
  auto options = f.options();
  options.num_threads = 3;
  for (int round = 0; round < 30; ++round) {
    auto log = std::make_shared<event_log>();
    auto handler = f.spawn_handler(log);
    auto server = f.started(f.context().spawn_server(options, handler), options);
    std::vector<client_ptr> clients;
    for (int i = 0; i < 4; ++i)
      clients.push_back(f.connect(server));
    REQUIRE_FALSE(server.server.stop());
    f.self()->send(handler, std::string{"stopped"});
    REQUIRE(log->wait_for("stopped"));
    // Those that were not accepted any more raised nothing.
    auto seen = log->all();
    REQUIRE(log->count("disconnected") == log->count("connected"));
    for (auto& client : clients)
      REQUIRE(client->at_end());
    REQUIRE(log->all() == seen);
    log->forget_connections();
  }
}

TEST_CASE("a name is free at once when stop was answered") {
  port_fixture f;
  auto options = f.options();
  auto log = std::make_shared<event_log>();
  for (int round = 0; round < 20; ++round) {
    auto server = f.serve(options, taker::session, log, echo());
    auto client = f.connect(server);
    REQUIRE(client->send("round"));
    REQUIRE(client->receive() == "round");
    REQUIRE_FALSE(server.server.stop());
  }
}

static void start_and_stop(int rounds) {
  port_fixture f;
  auto options = f.options();
  options.pending_instances = 4; // on Windows each start makes all of them
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log, echo());
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
  log->forget_connections();
  CHECK(open_handles() <= before + handles_that_come);
}

TEST_CASE("a server starts and stops 1,000 times and leaks nothing") {
  start_and_stop(1000);
}

TEST_CASE("a server starts and stops 20,000 times and leaks nothing", "[long]") {
  start_and_stop(20'000);
}

TEST_CASE("hundreds of connections of one client are served, and keep nobody else out") {
  port_fixture f;
  auto options = f.options();
  options.pending_instances = 4;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log, echo());
  // Windows counts a pipe's instances in a byte, and takes 255 for any number.
  constexpr size_t count = 300;
  std::vector<client_ptr> clients;
  for (size_t i = 0; i < count; ++i)
    clients.push_back(f.connect(server));
  for (size_t i = 0; i < count; ++i)
    REQUIRE(clients[i]->send(std::to_string(i)));
  for (size_t i = 0; i < count; ++i)
    REQUIRE(clients[i]->receive() == std::to_string(i));
  auto other = f.connect(server);
  CHECK(other->send("me too"));
  CHECK(other->receive() == "me too");
  clients.clear();
  CHECK(log->wait_for("disconnected", count));
}

TEST_CASE("get_connections returns those that are connected") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::handler, log);
  auto none = server.server.connections();
  REQUIRE(none);
  CHECK(none->empty());
  auto first = f.connect(server, log, 0);
  auto second = f.connect(server, log, 1);
  auto both = server.server.connections();
  REQUIRE(both);
  REQUIRE(both->size() == 2);
  CHECK(std::count(both->begin(), both->end(), first.second) == 1);
  CHECK(std::count(both->begin(), both->end(), second.second) == 1);
  first.first->close();
  // A close is answered when the pipe is closed, and the server hears of it before.
  CHECK_FALSE(f.ask<>(first.second.actor(), async_close{}));
  auto left = server.server.connections();
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front() == second.second);
}

TEST_CASE("options are read when a server starts") {
  port_fixture f;
  auto options = f.options();
  options.max_message_size = 1000;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log);
  CHECK(server.ready.max_message_size == 1000);
  options.max_message_size = 5000;
  auto again = server.server.start();
  REQUIRE(again);
  CHECK(again->max_message_size == 1000);
}

TEST_CASE("a client that connects and closes at once disturbs nobody") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, log, echo());
  auto other = f.connect(server, log, 0);
  auto before = open_handles();
  for (int i = 0; i < 200; ++i)
    f.connect(server)->close();
  REQUIRE(log->wait_for("disconnected", 200));
  CHECK(log->count("connected") == 201);
  CHECK(log->count("disconnected closed_by_peer") == 200);
  CHECK(open_handles() <= before + handles_that_come);
  CHECK(other.first->send("still there"));
  CHECK(other.first->receive() == "still there");
}
