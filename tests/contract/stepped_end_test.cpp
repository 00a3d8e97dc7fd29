// Ends that come while a connection is busy with something else, step by step under a virtual
// clock. On the simulated port, since nothing here depends on what a port does.

#include "contract/keeper.hpp"
#include "contract/stepped_fixture.hpp"

using namespace contract;

namespace {

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

/// Spawns an actor that never answers.
caf::actor spawn_silent(stepped_fixture& f) {
  return f.system().spawn(
    [](caf::event_based_actor* self, int) -> caf::behavior {
      return {[=](const std::string&) { return self->make_response_promise(); }};
    },
    0);
}

/// Asks somebody who never answers, as its messages say: "await", "then", or "close", which closes
/// the connection first.
class asking_session final : public recording_session {
public:
  asking_session(const log_ptr& log, caf::actor silent)
      : recording_session(log), silent_(std::move(silent)) {}

  void message_received(const cookie& cookie, const payload& data) override {
    recording_session::message_received(cookie, data);
    if (data.text() == "close")
      async_close();
    auto request = self().request(silent_, caf::infinite, std::string{"?"});
    if (data.text() == "then")
      std::move(request).then([] {}, [](const caf::error&) {});
    else
      std::move(request).await([] {}, [](const caf::error&) {});
  }

private:
  caf::actor silent_;
};

named_pipe_server serve_asking(stepped_fixture& f, const caf::actor& silent) {
  auto server = f.context().spawn_server<asking_session>(service(), f.log, silent);
  f.ask_for<server_ready>(server.actor(), start{});
  return server;
}

} // namespace

TEST_CASE("request.await: what a session awaits after its close does not hold up its end") {
  stepped_fixture f;
  auto silent = spawn_silent(f);
  auto server = serve_asking(f, silent);
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(service());
    CHECK(client->send("close") == simulated_send::sent);
    f.turn();
    CHECK(f.log->of(connection.id())
          == lines{"connected", "received close", "disconnected closed_by_us"});
  }
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
}

TEST_CASE("request.await: the deadline of close_after_drain does not wait for the answer") {
  stepped_fixture f{small_pipes()};
  auto silent = spawn_silent(f);
  auto server = serve_asking(f, silent);
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(service());
    for (int i = 0; i < 10; ++i)
      connection.async_write(payload{pattern(1000)});
    connection.close_after_drain(10s);
    f.turn();
    CHECK(client->send("await") == simulated_send::sent);
    f.turn();
    f.advance(10s - 1ms);
    CHECK(f.log->count("disconnected", connection.id()) == 0);
    f.advance(1ms);
    CHECK(f.log->of(connection.id()).back() == "disconnected closed_by_us");
  }
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
}

TEST_CASE("a session that retries a failed write a few times gets each cookie back before an exit "
          "message ends it") {
  class retrying_session final : public recording_session {
  public:
    using recording_session::recording_session;

    void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
      recording_session::message_failed(cookie, error);
      if (auto* number = cookie.get_if<int>(); number != nullptr && *number < 10)
        async_write(payload{"x"}, cookie::of(*number + 1));
    }
  };
  stepped_fixture f{small_pipes()};
  auto server = f.context().spawn_server<retrying_session>(service(), f.log);
  f.ask_for<server_ready>(server.actor(), start{});
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(service());
    for (int i = 0; i < 4; ++i)
      connection.async_write(payload{pattern(1000)});
    connection.async_write(payload{"x"}, cookie::of(1));
    f.turn();
    caf::anon_send_exit(connection.actor(), caf::exit_reason::user_shutdown);
    f.turn(60);
    for (int i = 1; i <= 10; ++i) {
      auto suffix = " [" + std::to_string(i) + "]";
      CHECK(f.log->count("failed operation_aborted" + suffix, connection.id())
              + f.log->count("failed not_connected" + suffix, connection.id())
            == 1);
    }
  }
}

TEST_CASE("what is asked of a connection while it ends after an exit message comes back, each "
          "cookie once") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::handler);
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(service());
    caf::anon_send_exit(connection.actor(), caf::exit_reason::user_shutdown);
    constexpr int steps = 20;
    for (int step = 1; step <= steps; ++step) {
      connection.async_write(payload{"x"}, cookie::of(step));
      connection.async_read(cookie::of(steps + step));
      f.turn(1);
    }
    f.turn();
    for (int i = 1; i <= 2 * steps; ++i) {
      auto suffix = " [" + std::to_string(i) + "]";
      CHECK(f.log->count("failed operation_aborted" + suffix, connection.id())
              + f.log->count("failed not_connected" + suffix, connection.id())
            == 1);
    }
  }
}

TEST_CASE("a delayed message of a session to itself does not keep its connection") {
  class waiting_session final : public recording_session {
  public:
    using recording_session::recording_session;

    void connected() override {
      recording_session::connected();
      self().delayed_send(self().actor(), 1h, 1);
    }

    caf::message_handler message_handlers() override {
      return {[this](int) { note("much later"); }};
    }
  };
  stepped_fixture f;
  auto server = f.serve(service(), taker::session);
  auto manager = f.context().spawn_client_manager<waiting_session>(client_options{}, f.client_log);
  for (size_t round = 1; round <= 3; ++round) {
    auto connection = f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s});
    CHECK(f.client_log->count("connected") == round);
    f.client_log->forget_connections();
    connection = {};
    f.turn();
    CHECK(f.log->count("disconnected closed_by_peer") == round);
  }
}

TEST_CASE("requests of a connection whose actor is killed are answered") {
  stepped_fixture f{small_pipes()};
  auto options = service();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(options);
    caf::scoped_actor self{f.system(), true};
    std::vector<std::string> answers;
    auto failed = [&](const caf::error& err) { answers.push_back(to_string(code_of(err))); };
    for (int i = 0; i < 4; ++i)
      connection.async_write(payload{pattern(1000)});
    auto write = self->request(connection.actor(), caf::infinite,
                               async_write{payload{pattern(1000)}, {}});
    auto read = self->request(connection.actor(), caf::infinite, async_read{});
    f.turn();
    CHECK_FALSE(self->has_next_message());
    caf::anon_send_exit(connection.actor(), caf::exit_reason::kill);
    f.turn();
    REQUIRE(self->has_next_message());
    write.receive([] {}, failed);
    REQUIRE(self->has_next_message());
    read.receive([](const payload&) {}, failed);
    CHECK(answers == lines{"operation_aborted", "operation_aborted"});
  }
}

TEST_CASE("operations that a killed connection has not handled come back, each cookie once") {
  stepped_fixture f;
  auto server = f.serve(service(), taker::handler);
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(service());
    for (int i = 1; i <= 3; ++i) {
      connection.async_write(payload{"x"}, cookie::of(i));
      connection.async_read(cookie::of(3 + i));
    }
    caf::scoped_actor self{f.system(), true};
    auto request = self->request(connection.actor(), caf::infinite, async_close{});
    // Before them.
    caf::anon_send<caf::message_priority::high>(connection.actor(),
                                                caf::exit_msg{{}, caf::exit_reason::kill});
    f.turn();
    for (int i = 1; i <= 6; ++i)
      CHECK(f.log->count("failed not_connected [" + std::to_string(i) + "]", connection.id()) == 1);
    CHECK(f.log->count("sent", connection.id()) == 0);
    REQUIRE(self->has_next_message());
    request.receive([] { CHECK(false); },
                    [](const caf::error& err) { CHECK(code_of(err) == errc::not_connected); });
  }
}

TEST_CASE("every request to close a connection is answered, also one that comes after its end") {
  stepped_fixture f;
  auto server = f.serve(service(), GENERATE(each_taker()));
  auto [client, connection] = f.connect(service());
  caf::scoped_actor self{f.system(), true};
  auto whom = connection.actor();
  for (int round = 0; round < 3; ++round) {
    auto first = self->request(whom, caf::infinite, async_close{});
    auto second = self->request(whom, caf::infinite, close_after_drain{});
    auto third = self->request(whom, caf::infinite, async_close{});
    f.turn();
    auto answers = 0;
    auto answered = [&] { ++answers; };
    auto failed = [](const caf::error&) {};
    for (auto* request : {&first, &third}) {
      REQUIRE(self->has_next_message());
      request->receive(answered, failed);
    }
    REQUIRE(self->has_next_message());
    second.receive(answered, failed);
    CHECK(answers == 3);
    CHECK(f.log->count("disconnected closed_by_us", connection.id()) == 1);
  }
}

TEST_CASE("a connection whose actor is killed while it drains keeps the reason of its end") {
  stepped_fixture f{small_pipes()};
  auto server = f.serve(service(), taker::handler);
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(service());
    for (int i = 0; i < 10; ++i)
      connection.async_write(payload{pattern(1000)});
    client->shutdown_write();
    f.turn();
    CHECK(f.log->count("disconnected", connection.id()) == 0);
    caf::anon_send_exit(connection.actor(), caf::exit_reason::kill);
    f.turn();
    CHECK(f.log->of(connection.id()).back() == "disconnected closed_by_peer");
  }
}

TEST_CASE("policy disconnect closes no connection for the memory that others take") {
  context_options limits;
  limits.memory_limit = 100'000;
  stepped_fixture f{small_pipes(), limits};
  auto options = service();
  options.write_queue_policy = write_queue_policy::disconnect;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [greedy, other] = f.connect(options);
  auto [client, connection] = f.connect(options);
  // The first one of each leaves at once.
  for (int i = 0; i < 2; ++i)
    connection.async_write(payload{pattern(10'000)});
  for (int i = 0; i < 10; ++i)
    other.async_write(payload{pattern(10'000)});
  f.turn();
  for (int i = 1; i <= 3; ++i) {
    connection.async_write(payload{pattern(30'000)}, cookie::of(i));
    f.turn();
    CHECK(f.log->of(connection.id()).back() == "failed queue_full [" + std::to_string(i) + "]");
    CHECK(connection.is_connected());
  }
  CHECK(other.is_connected());
}

TEST_CASE("policy disconnect closes no connection for a write that is wrong in itself") {
  stepped_fixture f;
  auto options = service();
  options.max_message_size = 1000;
  options.write_queue_policy = write_queue_policy::disconnect;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect(options);
  for (int i = 1; i <= 3; ++i) {
    connection.async_write(payload{pattern(1001)}, cookie::of(i));
    f.turn();
    CHECK(f.log->of(connection.id()).back()
          == "failed message_too_large [" + std::to_string(i) + "]");
    CHECK(connection.is_connected());
  }
}

TEST_CASE("get_stats shows what handlers keep and what waits to be sent, and when it is gone") {
  stepped_fixture f{small_pipes()};
  keeper keeps;
  auto options = service();
  auto handler = f.system().spawn(recording_handler, log_writer{f.log}, keeps.todo());
  auto server = f.context().spawn_server(options, handler);
  f.ask_for<server_ready>(server.actor(), start{});
  auto [client, connection] = f.connect(options);
  auto stats = [&, c = connection] { return f.ask_for<connection_stats>(c.actor(), get_stats{}); };
  for (size_t i = 1; i <= 3; ++i) {
    CHECK(client->send(pattern(1000)) == simulated_send::sent);
    f.turn();
    CHECK(stats().read_queue_messages == i);
    CHECK(stats().read_queue_bytes == i * 1000);
  }
  keeps.release();
  CHECK(stats().read_queue_messages == 0);
  CHECK(stats().read_queue_bytes == 0);
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 10; ++i)
      connection.async_write(payload{pattern(1000)});
    f.turn();
    CHECK(stats().write_queue_messages == 6);
    CHECK(stats().write_queue_bytes == 6000);
    for (int i = 0; i < 10; ++i) {
      CHECK(client->receive());
      f.turn();
    }
    CHECK(stats().write_queue_messages == 0);
    CHECK(stats().write_queue_bytes == 0);
    CHECK(stats().messages_sent == static_cast<size_t>(10 * round));
    CHECK(stats().bytes_sent == static_cast<size_t>(10'000 * round));
  }
}
