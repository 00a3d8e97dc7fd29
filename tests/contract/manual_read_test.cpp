// Reading message by message (`continuously_read` off).

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("an async_read while reading is continuous ends with the next message") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_read(cookie::of(1));
  f.self()->request(connection.actor(), caf::infinite, async_read{cookie::of(2)});
  auto request = f.self()->request(connection.actor(), patience, async_read{cookie::of(3)});
  f.let_bridge_turn();
  for (auto text : {"a", "b", "c", "d"})
    CHECK(client->send(text));
  payload answer;
  request.receive([&](const payload& data) { answer = data; }, [](const caf::error&) {});
  CHECK(answer.text() == "c");
  REQUIRE(f.log->wait_for("received d"));
  // The last one meets the end.
  connection.async_read(cookie::of(4));
  f.let_bridge_turn();
  client->close();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received a [1]", "received b [2]", "received c [3]", "received d",
                 "failed closed_by_peer [4]", "disconnected closed_by_peer"});
}

PORT_TEST_CASE("manual mode delivers one message per async_read with its cookie") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  for (auto text : {"a", "b", "c", "d"})
    CHECK(client->send(text));
  connection.async_read(cookie::of(1));
  REQUIRE(f.log->wait_for("received a [1]"));
  // The write's event is behind whatever else would have been delivered.
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"x"}, {}}));
  CHECK(f.log->count("received") == 1);
  connection.async_read(cookie::of(2));
  connection.async_read(cookie::of(3));
  connection.async_read();
  REQUIRE(f.log->wait_for("received", 4));
  connection.async_read(cookie::of(5));
  CHECK(client->send("e"));
  REQUIRE(f.log->wait_for("received", 5));
  auto seen = f.log->of(connection.id());
  seen.erase(std::remove(seen.begin(), seen.end(), "sent"), seen.end());
  CHECK(seen
        == lines{"connected", "received a [1]", "received b [2]", "received c [3]", "received d",
                 "received e [5]"});
}

PORT_TEST_CASE("in manual mode the end is reported at once if nothing unread is left") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  client->close();
  REQUIRE(f.log->wait_for("disconnected closed_by_peer"));
}

PORT_TEST_CASE("in manual mode a read that meets the end fails with the reason") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_read(cookie::of(1));
  connection.async_read(cookie::of(2));
  CHECK(client->send("last words"));
  REQUIRE(f.log->wait_for("received last words [1]"));
  client->close();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received last words [1]", "failed closed_by_peer [2]",
                 "disconnected closed_by_peer"});
}

PORT_TEST_CASE("in manual mode the end waits until the last words are read") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("last"));
  CHECK(client->send("words"));
  client->close();
  connection.async_read(cookie::of(1));
  REQUIRE(f.log->wait_for("received last [1]"));
  // The third read meets the end, or comes after it: it fails in any case.
  connection.async_read(cookie::of(2));
  connection.async_read(cookie::of(3));
  REQUIRE(f.log->wait_for("disconnected closed_by_peer"));
  REQUIRE(f.log->wait_for("failed"));
  auto seen = f.log->of(connection.id());
  REQUIRE(seen.size() == 5);
  CHECK(seen[2] == "received words [2]");
}

PORT_TEST_CASE("in manual mode reads wait while a handler holds as much as the read queue may") {
  std::mutex mutex;
  std::vector<payload> kept;
  auto release = [&] {
    std::vector<payload> released;
    std::lock_guard guard{mutex};
    released.swap(kept);
  };
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  // One more than the limit, and of bytes also what was on its way when they were counted.
  size_t most_held = 5;
  if (GENERATE(true, false)) {
    options.read_queue_messages = 4;
  } else {
    options.read_queue_bytes = 4 * 500;
    most_held += defaults::reads_per_turn;
  }
  script todo;
  todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
    std::lock_guard guard{mutex};
    kept.push_back(data);
  };
  auto server = f.serve(options, GENERATE(each_taker()), todo);
  auto [client, connection] = f.connect_and_wait(server);
  auto block = pattern(500);
  // As many as any pipe holds.
  constexpr size_t count = 60;
  for (size_t round = 0; round < 3; ++round) {
    for (size_t i = 0; i < count; ++i) {
      connection.async_read(cookie::of(int(i)));
      REQUIRE(client->send(block));
    }
    REQUIRE(f.log->wait_for("received", round * count + 4));
    for (int i = 0; i < 5; ++i)
      f.let_bridge_turn();
    CHECK(f.log->count("received") <= round * count + most_held);
    for (auto all = (round + 1) * count; f.log->count("received") < all;) {
      auto before = f.log->count("received");
      release();
      if (before < all)
        REQUIRE(f.log->wait_for("received", before + 1));
    }
    for (size_t i = 0; i < count; ++i)
      CHECK(f.log->count("received #500 [" + std::to_string(i) + "]") == round + 1);
    f.let_bridge_turn();
    release();
  }
}
