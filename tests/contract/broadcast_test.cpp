// One message to all clients of a server.

#include "contract/fixture.hpp"

#include <algorithm>

using namespace contract;

static async_broadcast broadcast_of(const std::string& text, int number) {
  return {payload{text}, cookie::of(number)};
}

PORT_TEST_CASE("a broadcast reaches the clients whose client_connected was raised before") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto server = f.serve(options, GENERATE(each_taker()));
  std::vector<client_ptr> clients;
  for (int i = 0; i < 5; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 5));
  server.server.async_broadcast(payload{"to five"}, cookie::of(1));
  REQUIRE(f.log->wait_for("sent [1]", 5));
  clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 6));
  server.server.async_broadcast(payload{"to six"}, cookie::of(2));
  REQUIRE(f.log->wait_for("sent [2]", 6));
  for (size_t i = 0; i < 5; ++i)
    CHECK(clients[i]->receive_many(2) == lines{"to five", "to six"});
  CHECK(clients[5]->receive_many(1) == lines{"to six"});
}

PORT_TEST_CASE("a broadcast's cookie comes back once per recipient") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  std::vector<client_ptr> clients;
  for (int i = 0; i < 3; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 3));
  for (int i = 0; i < 10; ++i)
    server.server.async_broadcast(payload{std::to_string(i)}, cookie::of(i));
  REQUIRE(f.log->wait_for("sent", 30));
  CHECK_FALSE(server.server.stop());
  REQUIRE(f.log->wait_for("disconnected", 3));
  for (size_t i = 0; i < 3; ++i) {
    lines expected = {"connected"};
    for (int j = 0; j < 10; ++j)
      expected.push_back("sent [" + std::to_string(j) + "]");
    expected.push_back("disconnected closed_by_us");
    CHECK(f.log->of(f.log->connection(i).id()) == expected);
  }
}

PORT_TEST_CASE("a broadcast request is answered when the last recipient's write has ended") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto server = f.serve(options, taker::session);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 4; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 4));
  auto result = f.ask_for<broadcast_result>(server.server.actor(), broadcast_of("all", 1));
  REQUIRE(result);
  CHECK(result->sent == 4);
  CHECK(result->failed == 0);
  CHECK(f.log->count("sent [1]") == 4);
}

PORT_TEST_CASE("the answer to a broadcast counts the recipients that it did not reach") {
  port_fixture f{port};
  auto options = f.options();
  options.write_queue_messages = 4;
  auto server = f.serve(options, taker::session);
  auto reader = f.connect_and_wait(server, 0);
  auto idler = f.connect_and_wait(server, 1);
  auto block = pattern(65536);
  f.fill(idler.second, payload{block});
  auto result = f.ask_for<broadcast_result>(server.server.actor(), broadcast_of(block, 100));
  REQUIRE(result);
  CHECK(result->sent == 1);
  CHECK(result->failed == 1);
  CHECK(reader.first->receive() == block);
  CHECK(f.log->wait_for(reader.second.id(), "sent [100]"));
  CHECK(f.log->wait_for(idler.second.id(), "failed queue_full [100]"));
}

PORT_TEST_CASE("a broadcast without recipients or without bytes is answered at once") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  auto broadcast = [&](const std::string& text, int number) {
    auto result = f.ask_for<broadcast_result>(server.server.actor(), broadcast_of(text, number));
    REQUIRE(result);
    return result->sent + result->failed;
  };
  CHECK(broadcast("nobody", 1) == 0);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(broadcast("", 2) == 0);
  CHECK(broadcast("x", 3) == 1);
  CHECK(client->receive() == "x");
  CHECK(f.log->of(connection.id()) == lines{"connected", "sent [3]"});
  CHECK_FALSE(server.server.stop());
  CHECK(broadcast("stopped", 4) == 0);
}

PORT_TEST_CASE("a write made after the answer to a broadcast arrives after it") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = 2;
  auto server = f.serve(options, taker::session);
  auto client = f.connect_and_wait(server);
  lines expected;
  for (int i = 0; i < 50; ++i) {
    CHECK(f.ask_for<broadcast_result>(server.server.actor(), broadcast_of("b", i)));
    client.second.async_write(payload{"w"});
    expected.insert(expected.end(), {"b", "w"});
  }
  CHECK(client.first->receive_many(100) == expected);
}

PORT_TEST_CASE("a broadcast reaches the clients of its own server only") {
  port_fixture f{port};
  auto one = f.serve(f.options(), taker::session);
  auto two = f.serve(f.options(), taker::session);
  auto client_of_one = f.connect_and_wait(one, 0);
  auto client_of_two = f.connect_and_wait(two, 1);
  CHECK(f.ask_for<broadcast_result>(one.server.actor(), broadcast_of("one", 1)));
  CHECK(f.ask_for<broadcast_result>(two.server.actor(), broadcast_of("two", 2)));
  CHECK(client_of_one.first->receive() == "one");
  CHECK(client_of_two.first->receive() == "two");
  CHECK(f.log->of(client_of_two.second.id()) == lines{"connected", "sent [2]"});
}

PORT_TEST_CASE("a broadcast copies no bytes") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  std::vector<client_ptr> clients;
  auto block = payload{pattern(30'000)};
  constexpr size_t before = 200;
  for (size_t i = 0; i < 3; ++i) {
    auto [client, connection] = f.connect_and_wait(server, i);
    clients.push_back(client);
    // More than a pipe takes from a client that does not read, so that the broadcast waits.
    for (size_t write = 0; write < before; ++write)
      connection.async_write(block);
  }
  std::byte* bytes = nullptr;
  auto* shared = detail::allocate_payload_block(10'000, bytes);
  std::fill_n(bytes, 10'000, std::byte{'a'});
  server.server.async_broadcast(payload{shared});
  // Twice: the broadcast goes from the server to the connections.
  f.let_bridge_turn();
  f.let_bridge_turn();
  // A copy that was made before would not show this.
  std::fill_n(bytes, 10'000, std::byte{'b'});
  REQUIRE(server.server.stats());
  for (auto& client : clients) {
    auto messages = client->receive_many(before + 1);
    REQUIRE(messages.size() == before + 1);
    CHECK((messages.back() == std::string(10'000, 'b')));
  }
}

PORT_TEST_CASE("a broadcast shares one payload") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 3; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 3));
  // The block's end is called once, when the last write is done with it.
  static std::atomic<int> disposed;
  disposed = 0;
  std::byte* bytes = nullptr;
  auto* block = detail::allocate_payload_block(1, bytes);
  *bytes = std::byte{'x'};
  static auto original = block->dispose;
  block->dispose = [](detail::payload_block* b) noexcept {
    ++disposed;
    original(b);
  };
  CHECK(f.ask_for<broadcast_result>(server.server.actor(), async_broadcast{payload{block}, {}}));
  for (auto& client : clients)
    CHECK(client->receive() == "x");
  f.end_context();
  CHECK(disposed == 1);
}
