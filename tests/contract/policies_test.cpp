// What happens at a limit, and ways to end that lose nothing.

#include "contract/fixture.hpp"

using namespace contract;

// -- drop_oldest ----------------------------------------------------------------------------------

PORT_TEST_CASE("write_queue_limit: drop_oldest keeps the newest messages") {
  port_fixture f{port};
  auto options = f.options();
  auto in_bytes = GENERATE(false, true);
  if (in_bytes)
    options.write_queue_bytes = 500'000;
  else
    options.write_queue_messages = 16;
  options.write_queue_policy = write_queue_policy::drop_oldest;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  constexpr int count = 300;
  auto filler = pattern(30'000);
  for (int i = 0; i < count; ++i)
    connection.async_write(payload{std::to_string(i) + " " + filler}, cookie::of(i));
  REQUIRE(f.log->wait_for("failed queue_full"));
  CHECK(connection.is_connected());
  std::vector<int> arrived;
  while (f.log->count("sent") + f.log->count("failed") < count)
    if (auto message = client->receive(10ms))
      arrived.push_back(std::stoi(*message));
  for (auto& message : client->receive_many(f.log->count("sent") - arrived.size()))
    arrived.push_back(std::stoi(message));
  CHECK(arrived.size() == f.log->count("sent"));
  CHECK(std::is_sorted(arrived.begin(), arrived.end()));
  CHECK(f.log->count("failed") == f.log->count("failed queue_full"));
  // The last ones are all there: what was dropped is older.
  REQUIRE(arrived.size() >= 8);
  for (int i = 0; i < 5; ++i)
    CHECK(arrived[arrived.size() - 1 - static_cast<size_t>(i)] == count - 1 - i);
}

PORT_TEST_CASE("drop_oldest with room for one message keeps the latest") {
  port_fixture f{port};
  auto options = f.options();
  options.write_queue_messages = 1;
  options.write_queue_policy = write_queue_policy::drop_oldest;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto filler = pattern(100'000);
  for (int i = 0; i < 100; ++i)
    connection.async_write(payload{std::to_string(i) + " " + filler}, cookie::of(i));
  REQUIRE(f.log->wait_for("failed queue_full"));
  int last = -1;
  while (last != 99) {
    auto message = client->receive();
    REQUIRE(message);
    CHECK(std::stoi(*message) > last);
    last = std::stoi(*message);
  }
  CHECK(f.log->wait_for("sent [99]"));
  CHECK(f.log->count("sent") + f.log->count("failed") == 100);
}

PORT_TEST_CASE("drop_oldest drops nothing where the peer reads") {
  port_fixture f{port};
  auto options = f.options();
  options.write_queue_policy = write_queue_policy::drop_oldest;
  auto server = f.serve(options, GENERATE(each_taker()), echo());
  auto client = f.connect(server);
  for (int i = 0; i < 500; ++i) {
    REQUIRE(client->send(std::to_string(i)));
    REQUIRE(client->receive() == std::to_string(i));
  }
  CHECK(f.log->count("failed") == 0);
}

// -- close_after_drain ----------------------------------------------------------------------------

PORT_TEST_CASE("close_after_drain sends what was written, then closes") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  constexpr int count = 300;
  auto block = pattern(30'000);
  for (int i = 0; i < count; ++i)
    connection.async_write(payload{block}, cookie::of(i));
  connection.close_after_drain(patience);
  connection.async_write(payload{"too late"}, cookie::of(count));
  REQUIRE(f.log->wait_for("failed not_connected [300]"));
  CHECK(connection.is_connected());
  CHECK(client->receive_many(count).size() == count);
  CHECK(client->at_end());
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(f.log->count("sent") == count);
  CHECK(f.log->count("failed") == 1);
}

PORT_TEST_CASE("close_after_drain goes on receiving meanwhile") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 300; ++i)
    connection.async_write(block);
  connection.close_after_drain(patience);
  CHECK(client->send("meanwhile"));
  CHECK(f.log->wait_for("received meanwhile"));
  client->receive_all();
  CHECK(f.log->wait_for("disconnected closed_by_us"));
}

PORT_TEST_CASE("close_after_drain does not wait longer than its deadline") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 300; ++i)
    connection.async_write(block, cookie::of(i));
  CHECK_FALSE(f.ask(connection.actor(), close_after_drain{20ms}));
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(f.log->count("failed operation_aborted") > 0);
  CHECK(f.log->count("sent") + f.log->count("failed") == 300);
}

PORT_TEST_CASE("close_after_drain closes at once where nothing waits, and is answered then") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK_FALSE(f.ask(connection.actor(), close_after_drain{patience}));
  CHECK_FALSE(connection.is_connected());
  CHECK(client->at_end());
  CHECK(f.log->wait_for("disconnected closed_by_us"));
  CHECK_FALSE(f.ask(connection.actor(), close_after_drain{patience}));
}

PORT_TEST_CASE("a client connection that is opening drains before it closes") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, server.options.pipe_name);
  connection.async_write(payload{"farewell"}, cookie::of(1));
  connection.close_after_drain(patience);
  CHECK(f.log->wait_for("received farewell"));
  CHECK(f.client_log->wait_for(connection.id(), "disconnected closed_by_us"));
  CHECK(f.client_log->count("sent [1]") == 1);
}

// -- memory_limit ---------------------------------------------------------------------------------

PORT_TEST_CASE("memory_limit bounds what all slow peers together have waiting") {
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
  // What the system took after a write was refused is room again.
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

PORT_TEST_CASE("memory_limit bounds what handlers hold, and reading goes on when they let go") {
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
