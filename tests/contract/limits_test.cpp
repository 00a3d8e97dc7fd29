// Sizes, queues, and who waits for whom.

#include "contract/fixture.hpp"

#include <algorithm>

using namespace contract;

// -- sizes ----------------------------------------------------------------------------------------

PORT_TEST_CASE("messages of every size arrive whole, in both directions") {
  port_fixture f{port};
  auto options = f.options();
  options.message_buffer_size = GENERATE(size_t{131072}, size_t{1000});
  auto server = f.serve(options, taker::session, echo());
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

PORT_TEST_CASE("one byte more than max_message_size fails, and nothing is sent") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = GENERATE(size_t{0}, size_t{131072}, size_t{1});
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto limit = server.ready.max_message_size;
  if (options.max_message_size != 0)
    CHECK(limit == options.max_message_size);
  connection.async_write(payload{pattern(limit + 1)}, cookie::of(1));
  connection.async_write(payload{pattern(limit)}, cookie::of(2));
  auto message = client->receive();
  REQUIRE(message);
  CHECK((*message == pattern(limit)));
  REQUIRE(f.log->wait_for("sent [2]"));
  REQUIRE(f.log->wait_for("failed"));
  CHECK(f.log->count("failed message_too_large [1]") == 1);
}

PORT_TEST_CASE("a peer that sends one byte more than max_message_size is disconnected") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = GENERATE(size_t{1}, size_t{4096}, size_t{131072});
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto [other, connection_of_other] = f.connect_and_wait(server, 1);
  CHECK(client->send(pattern(options.max_message_size)));
  CHECK(client->send(pattern(options.max_message_size + 1)));
  REQUIRE(f.log->wait_for(connection.id(), "disconnected"));
  CHECK(f.log->count("received", connection.id()) == 1);
  CHECK(f.log->of(connection.id()).back() == "disconnected message_too_large");
  CHECK(client->at_end());
  CHECK(other->send("x"));
  CHECK(f.log->wait_for(connection_of_other.id(), "received x"));
}

PORT_TEST_CASE("byte mode has no limit on a write") {
  port_fixture f{port};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  options.message_buffer_size = 10'000;
  std::atomic<size_t> longest{0};
  script todo;
  todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
    longest = std::max(longest.load(), data.size());
  };
  auto server = f.serve(options, taker::session, todo);
  auto [client, connection] = f.connect_and_wait(server);
  auto all = pattern(9'000'000);
  connection.async_write(payload{all}, cookie::of(1));
  CHECK((client->receive_bytes(all.size()) == all));
  CHECK(f.log->wait_for("sent [1]"));
  CHECK(server.ready.max_message_size == 0);
  // And a read returns no more than the buffer.
  CHECK(client->send(pattern(100'000)));
  client->close();
  CHECK(f.log->wait_for("disconnected"));
  CHECK(longest > 0);
  CHECK(longest <= 10'000);
}

// -- the read queue -------------------------------------------------------------------------------

namespace {

/// Keeps the payloads that a handler receives, until it is released.
class keeper {
public:
  script todo() const {
    script result;
    result.received = [state = state_](const named_pipe_connection&, const cookie&,
                                       const payload& data) {
      std::lock_guard guard{state->mutex};
      if (!state->released)
        state->kept.push_back(data);
    };
    return result;
  }

  void release() {
    std::vector<payload> dropped;
    std::lock_guard guard{state_->mutex};
    state_->released = true;
    dropped.swap(state_->kept);
  }

private:
  struct state {
    std::mutex mutex;
    std::vector<payload> kept;
    bool released = false;
  };

  // The handlers may outlive the case.
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

} // namespace

PORT_TEST_CASE("a handler that keeps many messages pauses reading, and its client blocks") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_messages = 8;
  keeper keeps;
  auto server = f.serve(options, GENERATE(each_taker()), keeps.todo());
  auto client = f.connect(server);
  constexpr size_t most = 20'000;
  auto sent = f.send_until_blocked(*client, "message", most);
  CHECK(sent < most);
  // The limit, and what one turn may deliver besides.
  CHECK(f.log->wait_for("received", 8));
  CHECK(f.log->count("received") <= 8 + 4 * defaults::reads_per_turn);
  keeps.release();
  CHECK(client->send("last"));
  REQUIRE(f.log->wait_for("received last"));
  CHECK(f.log->count("received") == sent + 1);
}

PORT_TEST_CASE("a handler that keeps many bytes pauses reading, and its client blocks") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_bytes = 256 * 1024;
  keeper keeps;
  auto server = f.serve(options, GENERATE(each_taker()), keeps.todo());
  auto client = f.connect(server);
  auto block = pattern(65536);
  constexpr size_t most = 2000;
  auto sent = f.send_until_blocked(*client, block, most);
  CHECK(sent < most);
  CHECK(f.log->wait_for("received", 4));
  CHECK(f.log->count("received") <= 4 + 4 * defaults::reads_per_turn);
  keeps.release();
  CHECK(client->send("last"));
  REQUIRE(f.log->wait_for("received last"));
  CHECK(f.log->count("received") == sent + 1);
}

PORT_TEST_CASE("a slow handler pauses reading, fills no memory, and harms no other connection") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_messages = 8;
  auto slow = std::make_shared<gate>();
  script todo;
  todo.received = [slow](const named_pipe_connection&, const cookie&, const payload&) {
    slow->pass();
  };
  auto server = f.serve(options, taker::handler, todo);
  auto client = f.connect(server);
  constexpr size_t most = 20'000;
  auto sent = f.send_until_blocked(*client, "message", most);
  CHECK(sent < most);
  f.let_bridge_turn();
  slow->open();
  CHECK(client->send("last"));
  REQUIRE(f.log->wait_for("received last"));
  f.end_context();
  CHECK(f.log->count("received") == sent + 1);
}

PORT_TEST_CASE("last words arrive also where reading was paused") {
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

// -- the write queue ------------------------------------------------------------------------------

PORT_TEST_CASE("write_queue_limit: a write beyond it fails with queue_full") {
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

PORT_TEST_CASE("write_queue_limit: disconnect closes the slow peer's connection") {
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

PORT_TEST_CASE("a single message longer than the write queue can still be sent") {
  port_fixture f{port};
  auto options = f.options();
  options.write_queue_bytes = 1000;
  auto server = f.serve(options, taker::session);
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_write(payload{pattern(100'000)}, cookie::of(1));
  CHECK(client->receive() == pattern(100'000));
  CHECK(f.log->wait_for("sent [1]"));
}

// -- fairness -------------------------------------------------------------------------------------

PORT_TEST_CASE("a flooding client does not starve another") {
  port_fixture f{port};
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
