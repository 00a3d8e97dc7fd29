// Writes that are dropped, refused or lost, step by step under a virtual clock. On the simulated
// port, since the queue is the same on each.

#include "contract/stepped_fixture.hpp"

using namespace contract;

namespace {

/// Returns options of a network whose pipes are full after 4,000 bytes.
simulated_options small_pipes() {
  simulated_options result;
  result.pipe_capacity_bytes = 4000;
  return result;
}

/// Returns options of a server that drops what is oldest of 8 writes.
server_options dropping_service() {
  server_options result;
  result.pipe_name = "svc";
  result.write_queue_policy = write_queue_policy::drop_oldest;
  result.write_queue_messages = 8;
  return result;
}

void write(const named_pipe_connection& connection, int count, size_t size = 1000) {
  for (int i = 1; i <= count; ++i)
    connection.async_write(payload{pattern(size)}, cookie::of(i));
}

connection_stats stats_of(stepped_fixture& f, const named_pipe_connection& connection) {
  return f.ask_for<connection_stats>(connection.actor(), get_stats{});
}

} // namespace

TEST_CASE("the answer to a broadcast counts writes that were dropped or failed after it") {
  stepped_fixture f{small_pipes()};
  auto options = dropping_service();
  auto server = f.serve(options, GENERATE(each_taker()));
  caf::scoped_actor self{f.system(), true};
  for (int round = 0; round < 3; ++round) {
    auto [reading, first] = f.connect(options);
    auto [dropping, second] = f.connect(options);
    auto [leaving, third] = f.connect(options);
    for (auto& connection : {second, third})
      write(connection, 12);
    f.turn();
    auto answer = self->request(server.actor(), caf::infinite, async_broadcast{payload{"x"}, {}});
    f.turn();
    write(second, 8);
    leaving->close();
    f.turn();
    broadcast_result result;
    REQUIRE(self->has_next_message());
    answer.receive([&](const broadcast_result& x) { result = x; }, [](const caf::error&) {});
    CHECK(result.sent == 1);
    CHECK(result.failed == 2);
    caf::anon_send(server.actor(), stop{});
    f.turn();
    f.ask_for<server_ready>(server.actor(), start{});
  }
}

TEST_CASE("writes that are refused together, and again when they are tried again, each come back") {
  class retrying_session final : public recording_session {
  public:
    using recording_session::recording_session;

    void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
      recording_session::message_failed(cookie, error);
      if (auto* number = cookie.get_if<int>(); number != nullptr && *number < 100)
        async_write(payload{"x"}, cookie::of(*number + 10));
    }
  };
  stepped_fixture f{small_pipes()};
  auto options = dropping_service();
  options.write_queue_policy = write_queue_policy::fail_write;
  auto server = f.context().spawn_server<retrying_session>(options, f.log);
  f.ask_for<server_ready>(server.actor(), start{});
  for (int round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect(options);
    for (int i = 0; i < 12; ++i)
      connection.async_write(payload{pattern(1000)});
    for (int i = 0; i < 10; ++i)
      connection.async_write(payload{"x"}, cookie::of(i));
    f.turn(60);
    for (int i = 0; i < 110; ++i)
      CHECK(f.log->count("failed queue_full [" + std::to_string(i) + "]", connection.id()) == 1);
  }
}

TEST_CASE("policy drop_oldest drops as many writes as the new one needs room for") {
  stepped_fixture f{small_pipes()};
  auto options = dropping_service();
  options.write_queue_bytes = 8000;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect(options);
  for (int round = 0; round < 2; ++round) {
    write(connection, 12);
    f.turn();
  }
  CHECK(stats_of(f, connection).write_queue_bytes == 8000);
  auto dropped = f.log->count("failed queue_full");
  for (size_t drops : {3, 2, 1}) {
    connection.async_write(payload{pattern(3000)}, cookie::of(100));
    f.turn();
    CHECK(stats_of(f, connection).write_queue_bytes <= 8000);
    // The port has four. Of the others, three of 1,000 bytes go, then the last and the first of
    // 3,000, then the second.
    dropped += drops;
    CHECK(f.log->count("failed queue_full") == dropped);
  }
}

TEST_CASE("policy drop_oldest drops writes for the memory that others take") {
  context_options limits;
  limits.memory_limit = 100'000;
  stepped_fixture f{small_pipes(), limits};
  auto options = dropping_service();
  options.write_queue_messages = 6;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [greedy, other] = f.connect(options);
  auto [client, connection] = f.connect(options);
  // One leaves, the port gets three, and two can still be dropped.
  write(connection, 6, 10'000);
  for (int i = 0; i < 10; ++i) {
    write(other, 1, 12'000);
    f.turn();
  }
  auto of_others = f.log->count("failed queue_full", other.id());
  for (size_t round = 1; round <= 3; ++round) {
    connection.async_write(payload{pattern(10'000)}, cookie::of(static_cast<int>(100 + round)));
    f.turn();
    // An old one makes room, and not the new one, nor one of another connection.
    CHECK(f.log->count("failed queue_full", connection.id()) == round);
    CHECK(f.log->count("failed queue_full [10", connection.id()) == (round < 3 ? 0 : 1));
    CHECK(f.log->count("failed queue_full", other.id()) == of_others);
  }
}
