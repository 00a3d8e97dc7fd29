// Handlers that never come to an end by themselves.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

/// Sends itself a message for each that it handles.
class busy_session final : public recording_session {
public:
  explicit busy_session(const log_ptr& log) : recording_session(log) {}

  void connected() override {
    recording_session::connected();
    self().send(self().actor(), 1);
  }

  caf::message_handler message_handlers() override {
    return {[this](int) { self().send(self().actor(), 1); }};
  }
};

/// Tries again what failed, for ever.
class retrying_session final : public recording_session {
public:
  explicit retrying_session(const log_ptr& log) : recording_session(log) {}

  void message_failed(const pipeactor::cookie& cookie, const caf::error&) override {
    if (std::exchange(noted_, true) == false)
      note("failed");
    async_write(payload{"x"}, cookie);
  }

private:
  bool noted_ = false;
};

/// Fills the queue of a connection whose client reads nothing, so that writes fail.
void make_fail(const named_pipe_connection& connection) {
  for (int i = 0; i < 200; ++i)
    connection.async_write(payload{std::string(60'000, 'x')}, cookie::of(i));
}

bool is_served(test_client& client) {
  return client.send("x") && client.receive() == "x";
}

} // namespace

PORT_TEST_CASE("a session that sends itself messages without end holds up neither others nor stop "
               "nor the context's end") {
  port_fixture f{port};
  auto others = f.connect(f.serve_echo());
  auto server = f.serve<busy_session>(f.options(), f.log);
  for (size_t round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect_and_wait(server, 2 * round);
    auto [second, other] = f.connect_and_wait(server, 2 * round + 1);
    CHECK(is_served(*others));
    CHECK_FALSE(f.ask(connection.actor(), async_close{}));
    CHECK(client->at_end());
    CHECK_FALSE(server.server.stop());
    CHECK(second->at_end());
    CHECK(is_served(*others));
    REQUIRE(server.server.start());
  }
  auto last = f.connect_and_wait(server, 6);
  f.end_context();
  CHECK(last.first->at_end());
  CHECK(f.log->count("disconnected closed_by_us") == 7);
}

PORT_TEST_CASE("a session that retries each failed write holds up neither others nor stop nor the "
               "context's end") {
  port_fixture f{port};
  auto others = f.connect(f.serve_echo());
  auto options = f.options();
  options.write_queue_messages = 4;
  auto server = f.serve<retrying_session>(options, f.log);
  for (size_t round = 0; round < 2; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    make_fail(connection);
    REQUIRE(f.log->wait_for(connection.id(), "failed"));
    CHECK(is_served(*others));
    CHECK_FALSE(server.server.stop());
    REQUIRE(f.log->wait_for(connection.id(), "disconnected closed_by_us"));
    CHECK(is_served(*others));
    REQUIRE(server.server.start());
  }
  auto last = f.connect_and_wait(server, 2);
  make_fail(last.second);
  REQUIRE(f.log->wait_for(last.second.id(), "failed"));
  f.end_context();
  CHECK(f.log->wait_for(last.second.id(), "disconnected closed_by_us"));
}

PORT_TEST_CASE("a handler that retries each failed write holds up neither others nor stop nor the "
               "context's end") {
  port_fixture f{port};
  auto others = f.connect(f.serve_echo());
  auto options = f.options();
  options.write_queue_messages = 4;
  auto ended = std::make_shared<std::atomic<bool>>(false);
  script todo;
  todo.failed = [ended](const named_pipe_connection& connection, const cookie& cookie,
                        const caf::error&) {
    if (!*ended)
      connection.async_write(payload{std::string(60'000, 'x')}, cookie);
  };
  auto server = f.serve(options, taker::handler, todo);
  for (size_t round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    make_fail(connection);
    REQUIRE(f.log->wait_for(connection.id(), "failed"));
    CHECK(is_served(*others));
    CHECK_FALSE(server.server.stop());
    REQUIRE(f.log->wait_for(connection.id(), "disconnected closed_by_us"));
    REQUIRE(f.log->wait_for(connection.id(), "failed not_connected"));
    CHECK(is_served(*others));
    REQUIRE(server.server.start());
  }
  auto last = f.connect_and_wait(server, 3);
  make_fail(last.second);
  REQUIRE(f.log->wait_for(last.second.id(), "failed"));
  f.end_context();
  *ended = true;
  CHECK(f.log->wait_for(last.second.id(), "disconnected closed_by_us"));
}
