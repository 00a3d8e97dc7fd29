// One limit for all queues of a context (`context_options::memory_limit`).

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("memory_limit bounds the queued writes of all connections together") {
  context_options limits;
  limits.memory_limit = 1'000'000;
  port_fixture f{port, limits};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  constexpr size_t slow_clients = 8;
  std::vector<client_ptr> clients;
  auto block = payload{pattern(30'000)};
  for (size_t i = 0; i < slow_clients; ++i) {
    auto [client, connection] = f.connect_and_wait(server, i);
    clients.push_back(client);
    for (int write = 0; write < 100; ++write)
      connection.async_write(block, cookie::of(write));
    // Not the last one, perhaps: the system may have taken some before it came.
    REQUIRE(f.log->wait_for(connection.id(), "failed queue_full"));
  }
  auto stats = server.server.stats();
  REQUIRE(stats);
  CHECK(stats->memory_limit == limits.memory_limit);
  // Messages that the system took after a write was refused make room again.
  CHECK(stats->queued_bytes >= limits.memory_limit / 2);
  CHECK(stats->queued_bytes <= limits.memory_limit + slow_clients * 2 * 32'768);
  // Everybody else is served: a connection that has nothing waiting may write.
  auto [other, connection] = f.connect_and_wait(server, slow_clients);
  connection.async_write(payload{"x"});
  CHECK(other->receive() == "x");
  CHECK(other->send("y"));
  CHECK(f.log->wait_for(connection.id(), "received y"));
  // And what was counted is given back.
  for (auto& client : clients)
    client->close();
  REQUIRE(f.log->wait_for("disconnected", slow_clients));
  stats = server.server.stats();
  REQUIRE(stats);
  CHECK(stats->queued_bytes <= 2 * 32'768);
}

PORT_TEST_CASE("memory_limit bounds the messages that handlers keep, and reading resumes when they "
               "release them") {
  context_options limits;
  limits.memory_limit = 200'000;
  // Before the fixture: the last message is kept after it was written down.
  std::mutex mutex;
  std::vector<payload> kept;
  port_fixture f{port, limits};
  script todo;
  todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
    std::lock_guard guard{mutex};
    kept.push_back(data);
  };
  auto server = f.serve(f.options(), GENERATE(each_taker()), todo);
  auto greedy = f.connect(server);
  auto block = pattern(10'000);
  constexpr size_t most = 2000;
  auto sent = f.send_until_blocked(*greedy, block, most);
  CHECK(sent < most);
  CHECK(f.log->count("received") <= 20 + 4 * defaults::reads_per_turn);
  auto [other, connection] = f.connect_and_wait(server, 1);
  CHECK(other->send("x"));
  CHECK(f.log->wait_for(connection.id(), "received x"));
  while (f.log->count("received #") < sent) {
    std::vector<payload> released;
    {
      std::lock_guard guard{mutex};
      released.swap(kept);
    }
    auto before = f.log->count("received #");
    released.clear();
    if (before < sent)
      REQUIRE(f.log->wait_for("received #", before + 1));
  }
  std::lock_guard guard{mutex};
  kept.clear();
}

PORT_TEST_CASE(
  "a connection that waits for memory reads on when another connection's is released") {
  context_options limits;
  limits.memory_limit = 200'000;
  // Before the fixture: the last message is kept after it was written down.
  std::mutex mutex;
  payload name;
  std::vector<payload> kept;
  auto release = [&] {
    std::vector<payload> released;
    std::lock_guard guard{mutex};
    released.swap(kept);
  };
  port_fixture f{port, limits};
  script todo;
  todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
    std::lock_guard guard{mutex};
    if (data.text() == "my name")
      name = data;
    else if (data.size() == 10'000)
      kept.push_back(data);
  };
  auto server = f.serve(f.options(), GENERATE(each_taker()), todo);
  auto [small, connection] = f.connect_and_wait(server);
  auto greedy = f.connect(server);
  CHECK(small->send("my name"));
  REQUIRE(f.log->wait_for("received my name"));
  auto block = pattern(10'000);
  size_t sent = 0;
  for (int round = 0; round < 3; ++round) {
    sent += f.send_until_blocked(*greedy, block, 2000);
    auto text = std::to_string(round);
    // With this one its reading pauses, because it still holds its first message.
    CHECK(small->send("first " + text));
    REQUIRE(f.log->wait_for("received first " + text));
    f.let_bridge_turn();
    CHECK(small->send("second " + text));
    f.let_bridge_turn();
    CHECK(f.log->count("received second " + text) == 0);
    while (f.log->count("received #") < sent) {
      auto before = f.log->count("received #");
      release();
      if (before < sent)
        REQUIRE(f.log->wait_for("received #", before + 1));
    }
    // A handler keeps a message after it was written down.
    for (int i = 0; i < 1000 && f.log->count("received second " + text) == 0; ++i) {
      release();
      f.let_bridge_turn();
    }
    REQUIRE(f.log->count("received second " + text) == 1);
    // Memory is free again for the next round, and all connections read.
    release();
    f.let_bridge_turn();
  }
  name = {};
}
