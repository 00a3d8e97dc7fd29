// Connections that come back again and again, step by step under a virtual clock. On the simulated
// port, since nothing here depends on what a port does.

#include "contract/stepped_fixture.hpp"

#include "port/completion_port.hpp"
#include "unit/port_recorder.hpp"

using namespace contract;

namespace {

constexpr auto first_pause = 100ms;

client_options returning(offline_writes writes = offline_writes::wait) {
  client_options result;
  result.reconnect.emplace();
  result.reconnect->initial_delay = first_pause;
  result.reconnect->max_delay = 400ms;
  result.reconnect->jitter = 0;
  result.reconnect->writes = writes;
  return result;
}

server_options service() {
  server_options result;
  result.pipe_name = "svc";
  return result;
}

/// Returns options of a network whose pipes are full after 4,000 bytes.
simulated_options small_pipes() {
  simulated_options result;
  result.pipe_capacity_bytes = 4000;
  return result;
}

void stop_server(stepped_fixture& f, const named_pipe_server& server) {
  caf::anon_send(server.actor(), stop{});
  f.turn();
}

void start_server(stepped_fixture& f, const named_pipe_server& server) {
  f.ask_for<server_ready>(server.actor(), start{});
}

/// Returns how often the cookie `number` came back.
size_t returns_of(const lines& seen, int number) {
  auto suffix = " [" + std::to_string(number) + "]";
  return static_cast<size_t>(std::count_if(seen.begin(), seen.end(), [&](const std::string& line) {
    return line.size() > suffix.size()
           && line.compare(line.size() - suffix.size(), suffix.size(), suffix) == 0;
  }));
}

/// A name whose server lets one client wait, and has one: others find it busy.
struct busy_server {
  explicit busy_server(stepped_fixture& f) : port(std::move(*simulated_ports(f.network())())) {
    port::listen_request request;
    request.pipe_name = "busy";
    request.backlog = 1;
    auto result = port->listen(request);
    REQUIRE(result);
    listener = *result;
    auto first = f.network()->connect("busy");
    REQUIRE(first);
    waiting = *first;
  }

  ~busy_server() {
    port->stop_listening(listener);
    turn();
  }

  /// Accepts those that wait.
  void turn() {
    CHECK_FALSE(port->turn(port->now(), events));
  }

  std::unique_ptr<port::completion_port> port;
  port::listener_id listener;
  simulated_client_ptr waiting;
  port_test::recorder events;
};

} // namespace

TEST_CASE("after each success a connection begins with the short pause and its first attempt") {
  stepped_fixture f;
  auto options = returning();
  options.reconnect->max_attempts = 3;
  auto server = f.serve(service(), taker::session);
  auto connection = f.open(options, GENERATE(each_taker()), "svc", 1s);
  for (size_t round = 1; round <= 3; ++round) {
    REQUIRE(f.client_log->count("connected") == round);
    stop_server(f, server);
    CHECK(f.client_log->count("reconnecting closed_by_peer") == round);
    f.advance(first_pause - 1ms);
    CHECK(f.client_log->count("reconnecting no_such_pipe") == round - 1);
    f.advance(1ms);
    CHECK(f.client_log->count("reconnecting no_such_pipe") == round);
    start_server(f, server);
    f.advance(2 * first_pause - 1ms);
    CHECK(f.client_log->count("connected") == round);
    f.advance(1ms);
  }
  CHECK(f.client_log->count("connected") == 4);
  CHECK(connection.is_connected());
}

TEST_CASE("a connection that came back is not closed by a timer of the pipe before") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto connection = f.open(returning(), GENERATE(each_taker()), "svc", 1s);
  for (size_t round = 1; round <= 3; ++round) {
    // The end of the input begins a period to drain.
    stop_server(f, server);
    start_server(f, server);
    f.advance(first_pause);
    REQUIRE(f.client_log->count("connected") == round + 1);
    f.advance(3 * defaults::drain_timeout);
    CHECK(connection.is_connected());
    CHECK(f.client_log->count("reconnecting") == round);
  }
}

namespace {

void turn_without_handlers(stepped_fixture& f) {
  for (int i = 0; i < 20; ++i)
    f.context().turn();
}

} // namespace

TEST_CASE("a lost connection waits for its handler, each time") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto connection = f.open(returning(), taker::handler, "svc", 1s);
  for (size_t round = 1; round <= 3; ++round) {
    REQUIRE(f.log->count("connected") == round);
    f.log->connection(round - 1).async_close();
    turn_without_handlers(f);
    f.network()->advance(defaults::drain_timeout - 1ms);
    turn_without_handlers(f);
    CHECK(f.log->count("connected") == round);
    f.turn();
    CHECK(f.client_log->count("reconnecting closed_by_peer") == round);
    f.advance(first_pause);
  }
  CHECK(f.log->count("connected") == 4);
}

TEST_CASE("a lost connection comes back even if its handler stays behind") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto connection = f.open(returning(), taker::handler, "svc", 1s);
  for (size_t round = 1; round <= 3; ++round) {
    REQUIRE(f.log->count("connected") == round);
    f.log->connection(round - 1).async_close();
    turn_without_handlers(f);
    f.network()->advance(defaults::drain_timeout);
    turn_without_handlers(f);
    f.network()->advance(first_pause);
    turn_without_handlers(f);
    CHECK(f.log->count("connected") == round + 1);
  }
  f.turn();
  CHECK(f.client_log->count("reconnecting closed_by_peer") == 3);
  CHECK(f.client_log->count("disconnected") == 0);
}

TEST_CASE("writes wait for the first connection, whatever was chosen for later ones") {
  stepped_fixture f;
  auto connection = f.open(returning(GENERATE(offline_writes::wait, offline_writes::fail)),
                           GENERATE(each_taker()), "svc", 1s);
  for (int i = 1; i <= 3; ++i)
    connection.async_write(payload{std::to_string(i)}, cookie::of(i));
  f.turn();
  CHECK(f.client_log->count("failed") == 0);
  auto server = f.serve(service(), taker::session);
  f.advance(first_pause);
  CHECK(f.log->count("received") == 3);
  CHECK(f.client_log->count("sent") == 3);
}

TEST_CASE("writes that a lost pipe never had fail with it, and none is sent later") {
  stepped_fixture f{small_pipes()};
  auto options = service();
  options.continuously_read = false;
  auto server = f.serve(options, taker::session);
  auto client = returning(GENERATE(offline_writes::wait, offline_writes::fail));
  // With this policy most writes wait here: the port gets a few at a time.
  client.write_queue_policy = write_queue_policy::drop_oldest;
  client.write_queue_messages = 100;
  client.write_queue_bytes = 20'000;
  auto connection = f.open(client, GENERATE(each_taker()), "svc", 1s);
  constexpr size_t count = 20;
  for (size_t round = 0; round < 3; ++round) {
    for (size_t i = 0; i < count; ++i)
      connection.async_write(payload{pattern(1000)}, cookie::of(static_cast<int>(i)));
    f.turn();
    CHECK(f.client_log->count("sent") == 4 * (round + 1));
    f.log->connection(round).async_close();
    f.turn();
    CHECK(f.client_log->count("reconnecting") == round + 1);
    auto seen = f.client_log->of(connection.id());
    for (size_t i = 0; i < count; ++i)
      CHECK(returns_of(seen, static_cast<int>(i)) == round + 1);
    f.advance(first_pause);
    REQUIRE(f.client_log->count("connected") == round + 2);
    CHECK(f.client_log->count("sent") == 4 * (round + 1));
  }
}

TEST_CASE("a session that writes again when its pipe is lost is sent that when it is back") {
  class retrying_session final : public recording_session {
  public:
    using recording_session::recording_session;

    void connected() override {
      recording_session::connected();
      async_read(cookie::of(1));
    }

    void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
      recording_session::message_failed(cookie, error);
      async_write(payload{"again"}, cookie::of(2));
    }
  };
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto options = returning();
  options.continuously_read = false;
  auto manager = f.context().spawn_client_manager<retrying_session>(options, f.client_log);
  auto connection = f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s});
  for (size_t round = 1; round <= 3; ++round) {
    f.log->connection(round - 1).async_close();
    f.turn();
    REQUIRE(f.client_log->count("failed closed_by_peer [1]") == round);
    f.advance(first_pause);
    CHECK(f.log->count("received again") == round);
    CHECK(f.client_log->count("sent [2]") == round);
    CHECK(f.client_log->count("failed") == round);
  }
}

TEST_CASE("a connection that is lost to an error of the system comes back, and its writes fail") {
  stepped_fixture f{small_pipes()};
  auto options = service();
  options.continuously_read = false;
  auto server = f.serve(options, taker::session);
  auto client = returning(offline_writes::fail);
  // With this policy most writes wait here: the port gets a few at a time.
  client.write_queue_policy = write_queue_policy::drop_oldest;
  client.write_queue_messages = 100;
  auto connection = f.open(client, GENERATE(each_taker()), "svc", 1s);
  constexpr size_t count = 90;
  for (size_t round = 1; round <= 3; ++round) {
    for (size_t i = 0; i < count; ++i)
      connection.async_write(payload{pattern(1000)}, cookie::of(static_cast<int>(i)));
    f.turn();
    CHECK(f.client_log->count("sent") == 4 * round);
    simulated_faults faults;
    faults.failed_receives = 1;
    f.network()->set_faults(faults);
    f.log->connection(round - 1).async_write(payload{"x"});
    f.turn();
    f.network()->set_faults({});
    CHECK(f.client_log->count("reconnecting") == round);
    auto seen = f.client_log->of(connection.id());
    for (size_t i = 0; i < count; ++i)
      CHECK(returns_of(seen, static_cast<int>(i)) == round);
    f.advance(first_pause);
    REQUIRE(f.client_log->count("connected") == round + 1);
    CHECK(f.client_log->count("sent") == 4 * round);
    CHECK(f.client_log->count("disconnected") == 0);
  }
}

TEST_CASE("a session that closes a connection as it is lost hears of no further attempt") {
  class closing_session final : public recording_session {
  public:
    using recording_session::recording_session;

    void connected() override {
      recording_session::connected();
      async_read(cookie::of(1));
      async_read(cookie::of(2));
    }

    void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
      recording_session::message_failed(cookie, error);
      async_close();
    }
  };
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto options = returning();
  options.continuously_read = false;
  auto manager = f.context().spawn_client_manager<closing_session>(options, f.client_log);
  for (size_t round = 0; round < 3; ++round) {
    auto connection = f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s});
    f.log->connection(round).async_close();
    f.turn();
    f.advance(10s);
    CHECK(f.client_log->of(connection.id())
          == lines{"connected", "failed closed_by_peer [1]", "failed operation_aborted [2]",
                   "disconnected closed_by_us"});
  }
}

TEST_CASE("a session that reads again when its pipe is lost reads from the next one") {
  class reading_session final : public recording_session {
  public:
    explicit reading_session(const log_ptr& log) : recording_session(log) {}

    void connected() override {
      recording_session::connected();
      if (!std::exchange(reads_, true))
        async_read(cookie::of(1));
    }

    void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
      recording_session::message_failed(cookie, error);
      async_read(cookie);
    }

    void message_received(const pipeactor::cookie& cookie, const payload& data) override {
      recording_session::message_received(cookie, data);
      async_read(cookie);
    }

  private:
    bool reads_ = false;
  };
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto options = returning();
  options.continuously_read = false;
  auto manager = f.context().spawn_client_manager<reading_session>(options, f.client_log);
  auto connection = f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s});
  for (size_t round = 1; round <= 3; ++round) {
    for (size_t message = 1; message <= 2; ++message) {
      f.log->connection(round - 1).async_write(payload{"x"});
      f.turn();
      CHECK(f.client_log->count("received x [1]") == 2 * (round - 1) + message);
    }
    CHECK(f.client_log->count("failed") == round - 1);
    f.log->connection(round - 1).async_close();
    f.turn();
    CHECK(f.client_log->count("failed closed_by_peer [1]") == round);
    CHECK(f.client_log->count("failed") == round);
    f.advance(first_pause);
    REQUIRE(f.client_log->count("connected") == round + 1);
  }
}

TEST_CASE("a connection that is to close after it has drained does not come back") {
  stepped_fixture f{small_pipes()};
  auto options = service();
  options.continuously_read = false;
  auto server = f.serve(options, taker::session);
  auto who = GENERATE(each_taker());
  for (size_t round = 0; round < 3; ++round) {
    auto connection = f.open(returning(), who, "svc", 1s);
    for (int i = 0; i < 10; ++i)
      connection.async_write(payload{pattern(1000)}, cookie::of(i));
    connection.close_after_drain(60s);
    f.turn();
    CHECK(connection.is_connected());
    f.log->connection(round).async_close();
    f.turn();
    CHECK(f.client_log->count("disconnected", connection.id()) == 1);
    f.advance(10s);
    CHECK(f.client_log->count("reconnecting", connection.id()) == 0);
    CHECK(f.log->count("connected") == round + 1);
    auto seen = f.client_log->of(connection.id());
    for (int i = 0; i < 10; ++i)
      CHECK(returns_of(seen, i) == 1);
    // One that is still opening has nothing to come back to either.
    auto missing = f.open(returning(), who, "nobody", 1s);
    missing.close_after_drain(60s);
    f.turn();
    f.advance(first_pause);
    CHECK(f.client_log->of(missing.id()).back() == "connect failed no_such_pipe");
  }
}

TEST_CASE("close_after_drain of an opening connection without writes closes it when it is open") {
  stepped_fixture f;
  busy_server busy{f};
  auto connection = f.open({}, GENERATE(each_taker()), "busy", 10s);
  connection.close_after_drain(60s);
  f.advance(1s);
  CHECK(f.client_log->of(connection.id()).empty());
  busy.turn();
  f.advance(1s);
  CHECK(f.client_log->of(connection.id()) == lines{"connected", "disconnected closed_by_us"});
}

TEST_CASE("all that was asked of an opening connection fails at its end, before its last event") {
  stepped_fixture f;
  busy_server busy{f};
  client_options options;
  options.write_queue_messages = 3;
  auto who = GENERATE(each_taker());
  for (int round = 0; round < 3; ++round) {
    auto connection = f.open(options, who, "busy", 10s);
    for (int i = 1; i <= 5; ++i)
      connection.async_write(payload{"x"}, cookie::of(i));
    for (int i = 6; i <= 8; ++i)
      connection.async_read(cookie::of(i));
    auto by_us = GENERATE(true, false);
    if (by_us)
      connection.async_close();
    f.turn();
    f.advance(10s);
    auto seen = f.client_log->of(connection.id());
    for (int i = 1; i <= 8; ++i)
      CHECK(returns_of(seen, i) == 1);
    REQUIRE(seen.size() == 9);
    CHECK(seen.back() == (by_us ? "connect failed closed_by_us" : "connect failed pipe_busy"));
    CHECK(std::count(seen.begin(), seen.end(), "failed queue_full [4]") == 1);
  }
}
