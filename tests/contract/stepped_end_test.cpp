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
  }
}
