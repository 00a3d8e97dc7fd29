// Sizes, queues, and who waits for whom.

#include "contract/fixture.hpp"

#include <algorithm>

using namespace contract;

// -- sizes ----------------------------------------------------------------------------------------

TEST_CASE("messages of every size arrive whole, in both directions") {
  port_fixture f;
  auto options = f.options();
  options.message_buffer_size = GENERATE(size_t{131072}, size_t{1000});
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log, echo());
  auto client = f.connect(server);
  auto limit = server.ready.max_message_size;
  for (auto size : std::vector<size_t>{1, 2, 999, 1000, 1001, 4095, 4096, 4097, 65535, 65536, 65537,
                                       131071, 131072, 131073, limit - 1, limit}) {
    auto message = pattern(size, static_cast<unsigned>(size));
    INFO("size " << size);
    REQUIRE(client->send(message));
    auto back = client->receive();
    REQUIRE(back);
    REQUIRE(back->size() == size);
    REQUIRE((*back == message));
  }
}

TEST_CASE("one byte more than max_message_size fails, and nothing is sent") {
  port_fixture f;
  auto options = f.options();
  options.max_message_size = GENERATE(size_t{0}, size_t{131072}, size_t{1});
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  auto limit = server.ready.max_message_size;
  if (options.max_message_size != 0)
    CHECK(limit == options.max_message_size);
  connection.async_write(payload{pattern(limit + 1)}, cookie::of(1));
  connection.async_write(payload{pattern(limit)}, cookie::of(2));
  auto message = client->receive();
  REQUIRE(message);
  CHECK((*message == pattern(limit)));
  REQUIRE(log->wait_for("sent [2]"));
  REQUIRE(log->wait_for("failed"));
  CHECK(log->count("failed message_too_large [1]") == 1);
}

TEST_CASE("a peer that sends one byte more than max_message_size is disconnected") {
  port_fixture f;
  auto options = f.options();
  options.max_message_size = GENERATE(size_t{1}, size_t{4096}, size_t{131072});
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  auto [other, connection_of_other] = f.connect(server, log, 1);
  CHECK(client->send(pattern(options.max_message_size)));
  CHECK(client->send(pattern(options.max_message_size + 1)));
  REQUIRE(log->wait_for(connection.id(), "disconnected"));
  CHECK(log->count("received", connection.id()) == 1);
  CHECK(log->of(connection.id()).back() == "disconnected message_too_large");
  CHECK(client->at_end());
  CHECK(other->send("x"));
  CHECK(log->wait_for(connection_of_other.id(), "received x"));
}

TEST_CASE("byte mode has no limit on a write") {
  port_fixture f;
  auto options = f.options();
  options.mode = pipe_mode::byte;
  options.message_buffer_size = 10'000;
  std::atomic<size_t> longest{0};
  script todo;
  todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
    longest = std::max(longest.load(), data.size());
  };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log, todo);
  auto [client, connection] = f.connect(server, log);
  auto all = pattern(9'000'000);
  connection.async_write(payload{all}, cookie::of(1));
  CHECK((client->receive_bytes(all.size()) == all));
  CHECK(log->wait_for("sent [1]"));
  CHECK(server.ready.max_message_size == 0);
  // And a read returns no more than the buffer.
  CHECK(client->send(pattern(100'000)));
  client->close();
  CHECK(log->wait_for("disconnected"));
  CHECK(longest > 0);
  CHECK(longest <= 10'000);
}

// -- the read queue -------------------------------------------------------------------------------

/// Keeps what it receives.
struct keeper {
  std::mutex mutex;
  std::vector<payload> kept;
  bool done = false;

  script todo() {
    script result;
    result.received = [this](const named_pipe_connection&, const cookie&, const payload& data) {
      std::lock_guard guard{mutex};
      if (!done)
        kept.push_back(data);
    };
    return result;
  }

  void release() {
    std::vector<payload> released;
    std::lock_guard guard{mutex};
    done = true;
    released.swap(kept);
  }
};

TEST_CASE("a handler that keeps many messages pauses reading, and its client blocks") {
  port_fixture f;
  auto options = f.options();
  options.read_queue_messages = 8;
  keeper keeps;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log, keeps.todo());
  auto client = f.connect(server);
  constexpr size_t most = 20'000;
  auto sent = client->send_until_blocked("message", most);
  CHECK(sent < most);
  // The limit, and what one turn may deliver besides.
  auto received = log->count("received");
  CHECK(received >= 8);
  CHECK(received <= 8 + 4 * defaults::reads_per_turn);
  keeps.release();
  CHECK(client->send("last"));
  REQUIRE(log->wait_for("received last"));
  CHECK(log->count("received") == sent + 1);
}

TEST_CASE("a handler that keeps many bytes pauses reading, and its client blocks") {
  port_fixture f;
  auto options = f.options();
  options.read_queue_bytes = 256 * 1024;
  keeper keeps;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log, keeps.todo());
  auto client = f.connect(server);
  auto block = pattern(65536);
  constexpr size_t most = 2000;
  auto sent = client->send_until_blocked(block, most);
  CHECK(sent < most);
  auto received = log->count("received");
  CHECK(received >= 4);
  CHECK(received <= 4 + 4 * defaults::reads_per_turn);
  keeps.release();
  CHECK(client->send("last"));
  REQUIRE(log->wait_for("received last"));
  CHECK(log->count("received") == sent + 1);
}

TEST_CASE("a slow handler pauses reading, fills no memory, and harms no other connection") {
  port_fixture f;
  auto options = f.options();
  options.read_queue_messages = 8;
  auto slow = std::make_shared<gate>();
  std::atomic<size_t> handled{0};
  script todo;
  todo.received = [&](const named_pipe_connection&, const cookie&, const payload&) {
    slow->pass();
    ++handled;
  };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::handler, log, todo);
  auto client = f.connect(server);
  constexpr size_t most = 20'000;
  auto sent = client->send_until_blocked("message", most);
  CHECK(sent < most);
  auto events = std::make_shared<event_log>();
  auto other = f.connect(f.serve(f.options(), taker::session, events, echo()));
  CHECK(other->send("x"));
  CHECK(other->receive() == "x");
  slow->open();
  CHECK(client->send("last"));
  REQUIRE(log->wait_for("received last"));
  f.end_context();
  CHECK(log->count("received") == sent + 1);
}

TEST_CASE("last words arrive also where reading was paused") {
  port_fixture f;
  auto options = f.options();
  options.read_queue_messages = 4;
  keeper keeps;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log, keeps.todo());
  auto client = f.connect(server);
  for (int i = 0; i < 100; ++i)
    REQUIRE(client->send(std::to_string(i)));
  client->close();
  REQUIRE(log->wait_for("received", 4));
  keeps.release();
  REQUIRE(log->wait_for("disconnected closed_by_peer"));
  CHECK(log->count("received") == 100);
}

// -- the write queue ------------------------------------------------------------------------------

TEST_CASE("write_queue_limit: a write beyond it fails with queue_full") {
  port_fixture f;
  auto options = f.options();
  auto in_bytes = GENERATE(false, true);
  if (in_bytes)
    options.write_queue_bytes = 500'000;
  else
    options.write_queue_messages = 16;
  constexpr size_t count = 300;
  auto block = pattern(30'000);
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  for (size_t i = 0; i < count; ++i)
    connection.async_write(payload{block}, cookie::of(int(i)));
  REQUIRE(log->wait_for("failed queue_full"));
  CHECK(connection.is_connected());
  // All others arrive, and there is room again.
  size_t arrived = 0;
  while (log->count("sent") + log->count("failed") < count)
    arrived += client->receive(10ms).has_value();
  arrived += client->receive_many(log->count("sent") - arrived).size();
  CHECK(arrived == log->count("sent"));
  CHECK(log->count("failed") == log->count("failed queue_full"));
  CHECK_FALSE(f.ask<>(connection.actor(), async_write{payload{"more"}, {}}));
  CHECK(client->receive() == "more");
}

TEST_CASE("write_queue_limit: disconnect closes the slow peer's connection") {
  port_fixture f;
  auto options = f.options();
  options.write_queue_messages = 16;
  options.write_queue_policy = write_queue_policy::disconnect;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  auto other = f.connect(server, log, 1);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 300; ++i)
    connection.async_write(block, cookie::of(i));
  REQUIRE(log->wait_for(connection.id(), "disconnected queue_full"));
  REQUIRE(log->wait_for(connection.id(), "failed not_connected [299]"));
  CHECK(log->count("sent", connection.id()) + log->count("failed", connection.id()) == 300);
  other.second.async_write(payload{"x"});
  CHECK(other.first->receive() == "x");
}

TEST_CASE("a single message longer than the write queue can still be sent") {
  port_fixture f;
  auto options = f.options();
  options.write_queue_bytes = 1000;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log);
  auto [client, connection] = f.connect(server, log);
  connection.async_write(payload{pattern(100'000)}, cookie::of(1));
  CHECK(client->receive() == pattern(100'000));
  CHECK(log->wait_for("sent [1]"));
}

// -- fairness -------------------------------------------------------------------------------------

TEST_CASE("a flooding client does not starve another") {
  port_fixture f;
  std::atomic<size_t> handled{0};
  script todo;
  todo.received = [&](const named_pipe_connection& c, const cookie&, const payload& data) {
    ++handled;
    if (data.text() == "ping")
      c.async_write(data);
  };
  struct quiet_session : session {
    explicit quiet_session(script todo) : todo(std::move(todo)) {}
    void message_received(const pipeactor::cookie& x, const payload& data) override {
      todo.received(connection(), x, data);
    }
    script todo;
  };
  auto server = f.serve<quiet_session>(f.options(), todo);
  auto flooder = f.connect(server);
  auto victim = f.connect(server);
  std::atomic<bool> stop{false};
  std::thread flood{[&] {
    while (!stop)
      flooder->send("flood");
  }};
  std::vector<size_t> between;
  for (int i = 0; i < 200; ++i) {
    auto before = handled.load();
    if (!victim->send("ping") || victim->receive() != std::string{"ping"})
      break;
    between.push_back(handled.load() - before);
  }
  stop = true;
  flood.join();
  REQUIRE(between.size() == 200);
  // Half of the round trips, so that a client that was not run itself does not count.
  std::nth_element(between.begin(), between.begin() + 100, between.end());
  CHECK(between[100] <= 16 * defaults::reads_per_turn);
}
