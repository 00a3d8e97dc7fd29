// Requests that come at every possible turn while a connection is lost or closed. tests/simulation
// found the turns at which they went wrong.

#include "contract/stepped_fixture.hpp"

using namespace contract;

namespace {

/// More turns of the bridge than the loss of a connection takes.
constexpr size_t turns_of_a_loss = 12;

server_options named_svc() {
  server_options result;
  result.pipe_name = "svc";
  return result;
}

client_options coming_back() {
  client_options result;
  result.reconnect.emplace();
  result.reconnect->jitter = 0;
  return result;
}

} // namespace

TEST_CASE("a connection that is lost does not come back after close_after_drain") {
  auto turns = GENERATE(range(size_t{0}, turns_of_a_loss));
  stepped_fixture f;
  auto server = f.serve(named_svc(), taker::session);
  auto connection = f.open(coming_back(), GENERATE(each_taker()), "svc", 1s);
  REQUIRE(f.client_log->count("connected") == 1);
  f.log->connection().async_close();
  f.turn(turns);
  connection.close_after_drain();
  f.turn();
  f.advance(1s);
  CHECK(f.client_log->count("disconnected", connection.id()) == 1);
  CHECK_FALSE(connection.is_connected());
  f.log->forget_connections();
}

TEST_CASE("stop of a client manager does not wait for connections that are made after it") {
  stepped_fixture f;
  auto server = f.serve(named_svc(), taker::session);
  auto manager = f.context().spawn_client_manager<recording_session>(client_options{},
                                                                     f.client_log);
  auto before = f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s});
  REQUIRE(before.is_connected());
  caf::scoped_actor self{f.system(), true};
  auto stopped = self->request(manager.actor(), caf::infinite, stop{});
  // Comes before the bridge has closed the first one.
  auto after = self->request(manager.actor(), caf::infinite, connect{"svc", 1s});
  f.turn();
  CHECK_FALSE(before.is_connected());
  REQUIRE(self->has_next_message());
  auto answered = false;
  stopped.receive([&] { answered = true; }, [](caf::error&) {});
  CHECK(answered);
  after.receive([](const named_pipe_connection& made) { CHECK(made.is_connected()); },
                [](caf::error&) { FAIL("no connection"); });
}
