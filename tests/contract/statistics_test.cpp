// The counts of servers, connections and client managers (`get_stats`).

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("get_stats counts messages and bytes, per bridge and per connection") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = 2;
  auto server = f.serve(options, GENERATE(each_taker()), echo());
  std::vector<client_ptr> clients;
  for (size_t i = 0; i < 4; ++i) {
    clients.push_back(f.connect_and_wait(server, i).first);
    for (size_t message = 0; message <= i; ++message) {
      REQUIRE(clients[i]->send("12345"));
      REQUIRE(clients[i]->receive() == "12345");
    }
  }
  REQUIRE(f.log->wait_for("sent", 10));
  auto stats = server.server.stats();
  REQUIRE(stats);
  REQUIRE(stats->bridges.size() == 2);
  uint64_t received = 0;
  uint64_t sent_bytes = 0;
  for (auto& bridge : stats->bridges) {
    CHECK(bridge.port == to_string(port));
    CHECK(bridge.connections == 2);
    CHECK(bridge.turns > 0);
    received += bridge.messages_received;
    sent_bytes += bridge.bytes_sent;
  }
  CHECK(received == 10);
  CHECK(sent_bytes == 50);
  REQUIRE(stats->connections.size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    auto id = f.log->connection(i).id();
    auto found = std::find_if(stats->connections.begin(), stats->connections.end(),
                              [id](auto& x) { return x.id == id; });
    REQUIRE(found != stats->connections.end());
    CHECK(found->is_connected);
    CHECK(found->messages_received == i + 1);
    CHECK(found->bytes_received == 5 * (i + 1));
    CHECK(found->messages_sent == i + 1);
    CHECK(found->bytes_sent == 5 * (i + 1));
    CHECK(found->write_queue_bytes == 0);
  }
}

PORT_TEST_CASE("get_stats of a connection returns its own counts, even after its end") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 300; ++i)
    connection.async_write(block);
  auto ask = [&, actor = connection.actor()] {
    auto stats = f.ask_for<connection_stats>(actor, get_stats{});
    REQUIRE(stats);
    return *stats;
  };
  auto stats = ask();
  CHECK(stats.is_connected);
  CHECK(stats.write_queue_messages + stats.messages_sent == 300);
  CHECK(stats.write_queue_bytes == 30'000 * stats.write_queue_messages);
  connection.async_close();
  REQUIRE(f.log->wait_for("disconnected"));
  stats = ask();
  CHECK_FALSE(stats.is_connected);
  CHECK(stats.write_queue_messages == 0);
  CHECK(stats.messages_sent + stats.messages_failed == 300);
}

PORT_TEST_CASE("get_stats of a client manager lists its connections") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, server.options.pipe_name);
  connection.async_write(payload{"hello"});
  REQUIRE(f.client_log->wait_for("received hello"));
  auto stats = manager.stats();
  REQUIRE(stats);
  REQUIRE(stats->connections.size() == 1);
  CHECK(stats->connections.front().id == connection.id());
  CHECK(stats->connections.front().bytes_received == 5);
}
