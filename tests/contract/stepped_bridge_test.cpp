// Bridges that end while their connections are busy, and what they count, step by step under a
// virtual clock. On the simulated port, since nothing here depends on what a port does.

#include "contract/stepped_fixture.hpp"

#include "base/loop_thread.hpp"

using namespace contract;

namespace {

server_options service() {
  server_options result;
  result.pipe_name = "svc";
  return result;
}

/// Notes whether it is told of its end by a bridge, and calls a function for each number.
class numbered_session final : public recording_session {
public:
  using call = std::function<void(const caf::actor&, int)>;

  numbered_session(const log_ptr& log, call on_number)
      : recording_session(log), on_number_(std::move(on_number)) {}

  void disconnected(const caf::error& reason) override {
    note(detail::is_loop_thread() ? "told by a bridge" : "told by somebody else");
    recording_session::disconnected(reason);
  }

  caf::message_handler message_handlers() override {
    return {[this](int number) { on_number_(self().actor(), number); }};
  }

private:
  call on_number_;
};

/// Serves a client, and sends its connection more than a bridge handles in the turns that it gives
/// its actors at the end.
void serve_with_backlog(stepped_fixture& f, const numbered_session::call& on_number) {
  auto server = f.context().spawn_server<numbered_session>(service(), f.log, on_number);
  f.ask_for<server_ready>(server.actor(), start{});
  auto [client, connection] = f.connect(service());
  constexpr auto count = static_cast<int>(defaults::turns_after_end * defaults::messages_per_job);
  for (int number = 1; number <= 2 * count; ++number)
    caf::anon_send(connection.actor(), number);
  connection = {};
  f.log->forget_connections();
  f.end_context();
}

} // namespace

TEST_CASE(
  "a context ends after its connections have been told of their end, however busy they are") {
  stepped_fixture f;
  serve_with_backlog(f, [](const caf::actor&, int) {});
  CHECK(f.log->count("told by a bridge") == 1);
  CHECK(f.log->count("disconnected closed_by_us") == 1);
}

TEST_CASE("a context ends even if a connection is killed before it is told of its end") {
  stepped_fixture f;
  // By then the pipe is closed, and the connection does not know it yet.
  serve_with_backlog(f, [](const caf::actor& self, int number) {
    if (number == 1000)
      caf::anon_send<caf::message_priority::high>(self, caf::exit_msg{self.address(),
                                                                      caf::exit_reason::kill});
  });
  CHECK(f.log->count("told by") == 0);
}

TEST_CASE("get_stats counts each turn in which a bridge ran handlers") {
  stepped_fixture f;
  auto options = service();
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect(options);
  auto turns = [&] {
    auto stats = f.ask_for<statistics>(server.actor(), get_stats{});
    REQUIRE(stats.bridges.size() == 1);
    return stats.bridges.front().turns;
  };
  auto before = turns();
  auto asking = turns() - before;
  for (uint64_t round = 1; round <= 3; ++round) {
    before = turns();
    for (int i = 0; i < 5; ++i) {
      CHECK(client->send("x") == simulated_send::sent);
      f.turn();
    }
    CHECK(turns() >= before + 5 + asking);
  }
}
