// One message to all.

#include "contract/fixture.hpp"

using namespace contract;

static async_broadcast broadcast_of(const std::string& text, int number) {
  return {payload{text}, cookie::of(number)};
}

TEST_CASE("a broadcast reaches the clients whose client_connected was raised before") {
  port_fixture f;
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 5; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(log->wait_for("connected", 5));
  server.server.async_broadcast(payload{"to five"}, cookie::of(1));
  REQUIRE(log->wait_for("sent [1]", 5));
  clients.push_back(f.connect(server));
  REQUIRE(log->wait_for("connected", 6));
  server.server.async_broadcast(payload{"to six"}, cookie::of(2));
  REQUIRE(log->wait_for("sent [2]", 6));
  for (size_t i = 0; i < 5; ++i)
    CHECK(clients[i]->receive_many(2) == lines{"to five", "to six"});
  CHECK(clients[5]->receive_many(1) == lines{"to six"});
}

TEST_CASE("a broadcast's cookie comes back once per recipient") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), each_taker(), log);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 3; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(log->wait_for("connected", 3));
  for (int i = 0; i < 10; ++i)
    server.server.async_broadcast(payload{std::to_string(i)}, cookie::of(i));
  REQUIRE(log->wait_for("sent", 30));
  CHECK_FALSE(server.server.stop());
  REQUIRE(log->wait_for("disconnected", 3));
  for (size_t i = 0; i < 3; ++i) {
    lines expected = {"connected"};
    for (int j = 0; j < 10; ++j)
      expected.push_back("sent [" + std::to_string(j) + "]");
    expected.push_back("disconnected closed_by_us");
    CHECK(log->of(log->connection(i).id()) == expected);
  }
}

TEST_CASE("a broadcast as a request is answered when every recipient's write has ended") {
  port_fixture f;
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 4; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(log->wait_for("connected", 4));
  broadcast_result result;
  std::function<void(const broadcast_result&)> use = [&](auto& x) { result = x; };
  CHECK_FALSE(f.ask(server.server.actor(), broadcast_of("all", 1), use));
  CHECK(result.sent == 4);
  CHECK(result.failed == 0);
  CHECK(log->count("sent [1]") == 4);
}

TEST_CASE("a broadcast that some cannot be sent says how many") {
  port_fixture f;
  auto options = f.options();
  options.write_queue_messages = 4;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log);
  auto reader = f.connect(server, log, 0);
  auto idler = f.connect(server, log, 1);
  // Fills the pipe of one that does not read, and its queue.
  auto block = pattern(65536);
  for (int i = 0; i < 64; ++i)
    idler.second.async_write(payload{block}, cookie::of(i));
  REQUIRE(log->wait_for(idler.second.id(), "failed queue_full"));
  broadcast_result result;
  std::function<void(const broadcast_result&)> use = [&](auto& x) { result = x; };
  CHECK_FALSE(f.ask(server.server.actor(), broadcast_of(block, 100), use));
  CHECK(result.sent == 1);
  CHECK(result.failed == 1);
  CHECK(reader.first->receive() == block);
  CHECK(log->wait_for(reader.second.id(), "sent [100]"));
  CHECK(log->wait_for(idler.second.id(), "failed queue_full [100]"));
}

TEST_CASE("a broadcast to nobody, or of nothing, is answered at once") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, log);
  broadcast_result result{7, 7};
  std::function<void(const broadcast_result&)> use = [&](auto& x) { result = x; };
  CHECK_FALSE(f.ask(server.server.actor(), broadcast_of("nobody", 1), use));
  CHECK(result.sent + result.failed == 0);
  auto client = f.connect(server, log);
  result = {7, 7};
  CHECK_FALSE(f.ask(server.server.actor(), broadcast_of("", 2), use));
  CHECK(result.sent + result.failed == 0);
  CHECK_FALSE(f.ask(server.server.actor(), broadcast_of("x", 3), use));
  CHECK(client.first->receive() == "x");
  CHECK(log->of(client.second.id()) == lines{"connected", "sent [3]"});
  CHECK_FALSE(server.server.stop());
  result = {7, 7};
  CHECK_FALSE(f.ask(server.server.actor(), broadcast_of("stopped", 4), use));
  CHECK(result.sent + result.failed == 0);
}

TEST_CASE("a broadcast that was awaited is before a later write") {
  port_fixture f;
  auto options = f.options();
  options.num_threads = 2;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log);
  auto client = f.connect(server, log);
  lines expected;
  for (int i = 0; i < 50; ++i) {
    CHECK_FALSE(f.ask<broadcast_result>(server.server.actor(), broadcast_of("b", i)));
    client.second.async_write(payload{"w"});
    expected.insert(expected.end(), {"b", "w"});
  }
  CHECK(client.first->receive_many(100) == expected);
}

TEST_CASE("a broadcast reaches the clients of its own server only") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto one = f.serve(f.options(), taker::session, log);
  auto two = f.serve(f.options(), taker::session, log);
  auto client_of_one = f.connect(one, log, 0);
  auto client_of_two = f.connect(two, log, 1);
  CHECK_FALSE(f.ask<broadcast_result>(one.server.actor(), broadcast_of("one", 1)));
  CHECK_FALSE(f.ask<broadcast_result>(two.server.actor(), broadcast_of("two", 2)));
  CHECK(client_of_one.first->receive() == "one");
  CHECK(client_of_two.first->receive() == "two");
  CHECK(log->of(client_of_two.second.id()) == lines{"connected", "sent [2]"});
}

TEST_CASE("a broadcast shares one payload") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, log);
  std::vector<client_ptr> clients;
  for (int i = 0; i < 3; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(log->wait_for("connected", 3));
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
  CHECK_FALSE(f.ask<broadcast_result>(server.server.actor(), async_broadcast{payload{block}, {}}));
  for (auto& client : clients)
    CHECK(client->receive() == "x");
  f.end_context();
  CHECK(disposed == 1);
}
