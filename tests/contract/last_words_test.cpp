// Messages that a client sent before it left.

#include "contract/fixture.hpp"
#include "contract/keeper.hpp"

using namespace contract;

PORT_TEST_CASE("last words are delivered before the disconnect") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  for (size_t round = 0; round < 20; ++round) {
    auto client = f.connect(server);
    lines expected = {"connected"};
    for (int i = 0; i < 40; ++i) {
      REQUIRE(client->send(std::to_string(i)));
      expected.push_back("received " + std::to_string(i));
    }
    client->close();
    expected.push_back("disconnected closed_by_peer");
    auto connection = f.log->connection(round);
    REQUIRE(f.log->wait_for(connection.id(), "disconnected"));
    REQUIRE(f.log->of(connection.id()) == expected);
  }
}

PORT_TEST_CASE("last words are delivered even if the client left data unread") {
  port_fixture f{port};
  script todo;
  // Writes from inside the events: one of them perhaps meets the reset first.
  todo.received = [](const named_pipe_connection& c, const cookie&, const payload& data) {
    c.async_write(data);
  };
  auto server = f.serve(f.options(), GENERATE(each_taker()), todo);
  for (size_t round = 0; round < 20; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    lines expected;
    for (int i = 0; i < 40; ++i) {
      REQUIRE(client->send(std::to_string(i)));
      expected.push_back("received " + std::to_string(i));
    }
    client->abort();
    REQUIRE(f.log->wait_for(connection.id(), "disconnected"));
    auto seen = f.log->of(connection.id());
    CHECK(seen.back().compare(0, 12, "disconnected") == 0);
    lines received;
    for (auto& line : seen)
      if (line.compare(0, 8, "received") == 0)
        received.push_back(line);
    REQUIRE(received == expected);
    REQUIRE(f.log->count("sent", connection.id()) + f.log->count("failed", connection.id()) == 40);
  }
}

PORT_TEST_CASE("last words are delivered even if reading was paused") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_messages = 4;
  keeper keeps;
  auto server = f.serve(options, GENERATE(each_taker()), keeps.todo());
  auto client = f.connect(server);
  for (int i = 0; i < 100; ++i)
    REQUIRE(client->send(std::to_string(i)));
  client->close();
  REQUIRE(f.log->wait_for("received", 4));
  keeps.release();
  REQUIRE(f.log->wait_for("disconnected closed_by_peer"));
  CHECK(f.log->count("received") == 100);
}
