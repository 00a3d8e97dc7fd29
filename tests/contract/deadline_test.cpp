// Deadlines, to the millisecond: the case moves the clock. On the simulated port, since a bridge
// counts time in the same way on each.

#include "contract/stepped_fixture.hpp"

#include "port/completion_port.hpp"
#include "unit/port_recorder.hpp"

#include <tuple>

using namespace contract;

namespace {

server_options server_called(const std::string& name) {
  server_options result;
  result.pipe_name = name;
  return result;
}

/// Returns options of a network whose pipes are full after 4,000 bytes.
simulated_options small_pipes() {
  simulated_options result;
  result.pipe_capacity_bytes = 4000;
  return result;
}

} // namespace

TEST_CASE("close_after_drain closes at its deadline, and not before") {
  stepped_fixture f{small_pipes()};
  auto options = server_called("svc");
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect(options);
  for (int i = 0; i < 10; ++i)
    connection.async_write(payload{pattern(1000)}, cookie::of(i));
  connection.close_after_drain(20s);
  f.turn();
  CHECK(f.log->count("sent") == 4);
  f.advance(20s - 1ms);
  CHECK(connection.is_connected());
  f.advance(1ms);
  CHECK_FALSE(connection.is_connected());
  CHECK(f.log->count("failed operation_aborted") == 6);
  CHECK(f.log->of(connection.id()).back() == "disconnected closed_by_us");
}

TEST_CASE("of several deadlines of close_after_drain the first that comes counts") {
  stepped_fixture f{small_pipes()};
  auto options = server_called("svc");
  auto server = f.serve(options, GENERATE(each_taker()));
  for (auto [first, second] : {std::pair{20s, 5s}, std::pair{5s, 20s}}) {
    auto [client, connection] = f.connect(options);
    for (int i = 0; i < 10; ++i)
      connection.async_write(payload{pattern(1000)}, cookie::of(i));
    connection.close_after_drain(first);
    connection.close_after_drain(second);
    f.turn();
    f.advance(5s - 1ms);
    CHECK(connection.is_connected());
    f.advance(1ms);
    CHECK(f.log->of(connection.id()).back() == "disconnected closed_by_us");
  }
}

TEST_CASE("a peer that ended its input and reads nothing is closed at the drain timeout") {
  stepped_fixture f{small_pipes()};
  auto options = server_called("svc");
  options.mode = pipe_mode::byte;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect(options);
  connection.async_write(payload{pattern(10'000)}, cookie::of(1));
  f.turn();
  client->shutdown_write();
  f.turn();
  f.advance(defaults::drain_timeout - 1ms);
  CHECK(f.log->of(connection.id()) == lines{"connected"});
  f.advance(1ms);
  CHECK(f.log->of(connection.id())
        == lines{"connected", "failed operation_aborted [1]", "disconnected closed_by_peer"});
}

TEST_CASE("a peer that reads before the drain timeout is sent everything") {
  stepped_fixture f{small_pipes()};
  auto options = server_called("svc");
  options.mode = pipe_mode::byte;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect(options);
  auto all = pattern(10'000);
  connection.async_write(payload{all}, cookie::of(1));
  client->shutdown_write();
  f.turn();
  f.advance(defaults::drain_timeout - 1ms);
  std::string got;
  for (int reads = 0; reads < 10 && got.size() < all.size(); ++reads) {
    got += client->receive().value_or("");
    f.turn();
  }
  CHECK((got == all));
  CHECK(client->at_end());
  CHECK(f.log->of(connection.id())
        == lines{"connected", "sent [1]", "disconnected closed_by_peer"});
}

namespace {

/// A client that ended its input, and is still owed 40,000 bytes: in one write, or in many.
struct slow_reader {
  explicit slow_reader(stepped_fixture& f) : f(f) {
    auto options = server_called("svc");
    options.mode = pipe_mode::byte;
    server = f.serve(options, GENERATE(each_taker()));
    std::tie(client, connection) = f.connect(options);
    auto writes = GENERATE(size_t{1}, size_t{40});
    for (size_t i = 0; i < writes; ++i)
      connection.async_write(
        payload{std::string_view{all}.substr(i * all.size() / writes, all.size() / writes)});
    f.turn();
  }

  /// Lets a whole period pass. The client reads what is there in its last millisecond.
  void read_in_time() {
    f.advance(defaults::drain_timeout - 1ms);
    got += client->receive().value_or("");
    f.turn();
    f.advance(1ms);
  }

  bool is_disconnected() const {
    return f.log->count("disconnected", connection.id()) == 1;
  }

  stepped_fixture& f;
  named_pipe_server server;
  simulated_client_ptr client;
  named_pipe_connection connection;
  std::string all = pattern(40'000);
  std::string got;
};

} // namespace

TEST_CASE("a peer that ended its input is sent everything if it reads in each drain period") {
  stepped_fixture f{small_pipes()};
  slow_reader x{f};
  x.client->shutdown_write();
  f.turn();
  auto began = f.network()->now();
  while (!x.client->at_end() && f.network()->now() - began < 100s)
    x.read_in_time();
  CHECK(f.network()->now() - began > 40s);
  CHECK((x.got == x.all));
  CHECK(x.is_disconnected());
  CHECK(f.log->count("failed") == 0);
}

TEST_CASE("a peer that ended its input is closed after the first drain period without progress") {
  stepped_fixture f{small_pipes()};
  slow_reader x{f};
  x.client->shutdown_write();
  f.turn();
  for (int period = 0; period < 3; ++period)
    x.read_in_time();
  f.advance(defaults::drain_timeout - 1ms);
  CHECK_FALSE(x.is_disconnected());
  f.advance(1ms);
  CHECK(x.is_disconnected());
  CHECK(f.log->of(x.connection.id()).back() == "disconnected closed_by_peer");
}

TEST_CASE("close_after_drain keeps its deadline while a peer that ended its input reads") {
  stepped_fixture f{small_pipes()};
  slow_reader x{f};
  auto asked_first = GENERATE(true, false);
  if (asked_first)
    x.connection.close_after_drain(12s);
  f.turn();
  x.client->shutdown_write();
  f.turn();
  if (!asked_first)
    x.connection.close_after_drain(12s);
  // A later deadline does not replace an earlier one.
  x.connection.close_after_drain(60s);
  f.turn();
  x.read_in_time();
  x.read_in_time();
  f.advance(2s - 1ms);
  CHECK_FALSE(x.is_disconnected());
  f.advance(1ms);
  CHECK(x.is_disconnected());
}

namespace {

/// Sends delayed messages to itself and to another actor.
class delaying_session final : public recording_session {
public:
  delaying_session(const log_ptr& log, caf::actor other)
      : recording_session(log), other_(std::move(other)) {}

  void connected() override {
    recording_session::connected();
    self().delayed_send(self().actor(), 10s, 1);
    self().delayed_send(other_, 12s, std::string{"sooner"});
    self().delayed_send(other_, 20s, std::string{"to another"});
  }

  caf::message_handler message_handlers() override {
    return {[this](int number) {
      note("delayed " + std::to_string(number));
      if (number == 1)
        self().delayed_send(self().actor(), 5s, 2);
    }};
  }

private:
  caf::actor other_;
};

} // namespace

TEST_CASE("a delayed message of a session comes at its time, to another actor also after its end") {
  stepped_fixture f;
  auto other = f.system().spawn(recording_handler, log_writer{f.log}, script{});
  auto options = server_called("svc");
  auto server = f.context().spawn_server<delaying_session>(options, f.log, other);
  f.ask_for<server_ready>(server.actor(), start{});
  for (size_t round = 1; round <= 3; ++round) {
    auto [client, connection] = f.connect(options);
    auto id = connection.id();
    f.advance(10s - 1ms);
    CHECK(f.log->of(id) == lines{"connected"});
    f.advance(1ms);
    CHECK(f.log->of(id) == lines{"connected", "delayed 1"});
    f.advance(2s - 1ms);
    CHECK(f.log->count("sooner") == round - 1);
    f.advance(1ms);
    CHECK(f.log->count("sooner") == round);
    f.advance(3s - 1ms);
    CHECK(f.log->count("delayed 2", id) == 0);
    f.advance(1ms);
    CHECK(f.log->count("delayed 2", id) == 1);
    client->close();
    connection = {};
    f.log->forget_connections();
    f.turn();
    REQUIRE(f.log->count("session gone") == round);
    f.advance(5s - 1ms);
    CHECK(f.log->count("to another") == round - 1);
    f.advance(1ms);
    CHECK(f.log->count("to another") == round);
  }
  caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
}

TEST_CASE("a session is told of the pause that follows each failed attempt") {
  class pausing_session final : public recording_session {
  public:
    pausing_session(const log_ptr& log, std::vector<caf::timespan>* pauses)
        : recording_session(log), pauses_(pauses) {}

    void reconnecting(const caf::error& reason, caf::timespan pause) override {
      recording_session::reconnecting(reason, pause);
      pauses_->push_back(pause);
    }

  private:
    std::vector<caf::timespan>* pauses_;
  };
  std::vector<caf::timespan> pauses;
  stepped_fixture f;
  client_options options;
  options.reconnect.emplace();
  options.reconnect->jitter = GENERATE(0.0, 0.5);
  auto manager = f.context().spawn_client_manager<pausing_session>(options, f.client_log, &pauses);
  auto connection = f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s});
  for (size_t attempt = 1; attempt <= 5; ++attempt) {
    REQUIRE(pauses.size() == attempt);
    f.advance(pauses.back() - 1ns);
    CHECK(pauses.size() == attempt);
    f.advance(1ns);
  }
}

TEST_CASE("a connection comes back after pauses that double, up to the longest") {
  stepped_fixture f;
  client_options options;
  options.reconnect.emplace();
  options.reconnect->initial_delay = 100ms;
  options.reconnect->max_delay = 400ms;
  options.reconnect->jitter = 0;
  auto connection = f.open(options, GENERATE(each_taker()), "svc", 1s);
  size_t attempts = 1;
  for (auto pause : {100ms, 200ms, 400ms, 400ms}) {
    REQUIRE(f.client_log->count("reconnecting no_such_pipe") == attempts);
    f.advance(pause - 1ms);
    CHECK(f.client_log->count("reconnecting") == attempts);
    f.advance(1ms);
    ++attempts;
  }
  CHECK(f.client_log->count("reconnecting") == attempts);
  auto server = f.serve(server_called("svc"), taker::session);
  f.advance(400ms - 1ms);
  CHECK(connection.is_opening());
  f.advance(1ms);
  CHECK(connection.is_connected());
  CHECK(f.client_log->of(connection.id()).back() == "connected");
}

TEST_CASE("a busy server is asked again until the timeout of connect") {
  stepped_fixture f;
  // A listener whose only place is taken.
  auto port = simulated_ports(f.network())();
  REQUIRE(port);
  port::listen_request request;
  request.pipe_name = "busy";
  request.backlog = 1;
  auto listener = (*port)->listen(request);
  REQUIRE(listener);
  auto first = f.network()->connect("busy");
  REQUIRE(first);
  auto connection = f.open({}, GENERATE(each_taker()), "busy", 1s);
  CHECK(connection.is_opening());
  f.advance(1s - 1ms);
  CHECK(connection.is_opening());
  f.advance(1ms);
  CHECK_FALSE(connection.is_opening());
  CHECK(f.client_log->of(connection.id()) == lines{"connect failed pipe_busy"});
  (*port)->stop_listening(*listener);
  port_test::recorder events;
  CHECK_FALSE((*port)->turn((*port)->now(), events));
  REQUIRE_FALSE(events.events.empty());
  CHECK(events.events.back() == "listener closed");
}

TEST_CASE("a busy server is asked for the whole timeout each time a connection comes back") {
  stepped_fixture f;
  auto port = simulated_ports(f.network())();
  REQUIRE(port);
  port::listen_request request;
  request.pipe_name = "busy";
  request.backlog = 1;
  auto listener = (*port)->listen(request);
  REQUIRE(listener);
  // The server drops all that it has accepted.
  auto drop_clients = [&server = **port] {
    port_test::recorder events;
    CHECK_FALSE(server.turn(server.now(), events));
    REQUIRE(events.accepted.size() == 1);
  };
  client_options options;
  options.reconnect.emplace();
  options.reconnect->initial_delay = 100ms;
  options.reconnect->jitter = 0;
  auto connection = f.open(options, GENERATE(each_taker()), "busy", 1s);
  lines expected{"connected"};
  for (int loss = 0; loss < 3; ++loss) {
    CHECK(f.client_log->of(connection.id()) == expected);
    drop_clients();
    auto other = f.network()->connect("busy");
    REQUIRE(other);
    f.turn();
    expected.emplace_back("reconnecting closed_by_peer");
    CHECK(f.client_log->of(connection.id()) == expected);
    f.advance(100ms);
    // The last time that it is asked is at the timeout.
    f.advance(1s - 1ms);
    CHECK(f.client_log->of(connection.id()) == expected);
    f.advance(1ms);
    expected.emplace_back("reconnecting pipe_busy");
    CHECK(f.client_log->of(connection.id()) == expected);
    drop_clients();
    f.advance(200ms);
    expected.emplace_back("connected");
  }
  CHECK(f.client_log->of(connection.id()) == expected);
  (*port)->stop_listening(*listener);
  port_test::recorder events;
  CHECK_FALSE((*port)->turn((*port)->now(), events));
  REQUIRE_FALSE(events.events.empty());
  CHECK(events.events.back() == "listener closed");
}

TEST_CASE("a request of a session times out by the clock of its bridge") {
  class asking_session final : public recording_session {
  public:
    asking_session(const log_ptr& log, caf::actor worker)
        : recording_session(log), worker_(std::move(worker)) {}

    void connected() override {
      recording_session::connected();
      self()
        .request(worker_, 10s, std::string{"?"})
        .then([] {},
              [this](const caf::error& err) {
                note(err == caf::sec::request_timeout ? "timeout" : "error");
              });
    }

  private:
    caf::actor worker_;
  };
  stepped_fixture f;
  auto silent = f.system().spawn(
    [](caf::event_based_actor* self, int) -> caf::behavior {
      return {[=](const std::string&) { return self->make_response_promise(); }};
    },
    0);
  auto options = server_called("svc");
  auto server = f.context().spawn_server<asking_session>(options, f.log, silent);
  f.ask_for<server_ready>(server.actor(), start{});
  auto [client, connection] = f.connect(options);
  f.advance(10s - 1ms);
  CHECK(f.log->of(connection.id()) == lines{"connected"});
  f.advance(1ms);
  CHECK(f.log->of(connection.id()) == lines{"connected", "timeout"});
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
}
