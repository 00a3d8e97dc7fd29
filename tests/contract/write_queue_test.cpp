// Clients that do not read, and writes that wait (`write_queue_bytes`, `write_queue_messages`,
// `write_queue_policy`).

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("a write beyond the limits of the write queue fails with queue_full") {
  port_fixture f{port};
  auto options = f.options();
  auto in_bytes = GENERATE(false, true);
  if (in_bytes)
    options.write_queue_bytes = 500'000;
  else
    options.write_queue_messages = 16;
  constexpr size_t count = 300;
  auto block = pattern(30'000);
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  for (size_t i = 0; i < count; ++i)
    connection.async_write(payload{block}, cookie::of(int(i)));
  REQUIRE(f.log->wait_for("failed queue_full"));
  CHECK(connection.is_connected());
  // All others arrive, and there is room again.
  size_t arrived = 0;
  while (f.log->count("sent") + f.log->count("failed") < count)
    arrived += client->receive(10ms).has_value();
  arrived += client->receive_many(f.log->count("sent") - arrived).size();
  CHECK(arrived == f.log->count("sent"));
  CHECK(f.log->count("failed") == f.log->count("failed queue_full"));
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"more"}, {}}));
  CHECK(client->receive() == "more");
}

PORT_TEST_CASE("a single message may be longer than the write queue") {
  port_fixture f{port};
  auto options = f.options();
  options.write_queue_bytes = 1000;
  auto server = f.serve(options, taker::session);
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_write(payload{pattern(100'000)}, cookie::of(1));
  CHECK(client->receive() == pattern(100'000));
  CHECK(f.log->wait_for("sent [1]"));
}

PORT_TEST_CASE("policy disconnect closes the connection of a slow peer") {
  port_fixture f{port};
  auto options = f.options();
  options.write_queue_messages = 16;
  options.write_queue_policy = write_queue_policy::disconnect;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto other = f.connect_and_wait(server, 1);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 300; ++i)
    connection.async_write(block, cookie::of(i));
  REQUIRE(f.log->wait_for(connection.id(), "disconnected queue_full"));
  REQUIRE(f.log->wait_for(connection.id(), "failed not_connected [299]"));
  CHECK(f.log->count("sent", connection.id()) + f.log->count("failed", connection.id()) == 300);
  other.second.async_write(payload{"x"});
  CHECK(other.first->receive() == "x");
}

PORT_TEST_CASE("policy drop_oldest keeps the newest messages") {
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

PORT_TEST_CASE("policy drop_oldest with room for one message keeps the latest") {
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

PORT_TEST_CASE("policy drop_oldest drops nothing while the peer reads") {
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
