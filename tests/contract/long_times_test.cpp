// Times that are longer than a clock can count.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

constexpr auto centuries = std::chrono::hours{24 * 365 * 300};

class asking_session final : public recording_session {
public:
  asking_session(const log_ptr& log, caf::actor worker)
      : recording_session(log), worker_(std::move(worker)) {}

  void message_received(const pipeactor::cookie&, const payload&) override {
    ask(centuries);
    ask(std::chrono::milliseconds::max());
    ask(caf::timespan::max());
  }

private:
  template <class Timeout>
  void ask(Timeout timeout) {
    self()
      .request(worker_, timeout, 1)
      .then([this](int) { note("answer"); }, [this](const caf::error&) { note("error"); });
  }

  caf::actor worker_;
};

} // namespace

PORT_TEST_CASE("the longest timeouts of requests are long, not over") {
  port_fixture f{port};
  auto options = f.options();
  auto server = f.context().spawn_server(options, f.spawn_handler());
  auto manager = f.manage({}, GENERATE(each_taker()));
  for (std::chrono::milliseconds timeout :
       {std::chrono::milliseconds{centuries}, std::chrono::milliseconds::max()}) {
    REQUIRE(server.start(timeout));
    auto connection = f.open(manager, options.pipe_name, caf::timespan::max());
    REQUIRE(f.client_log->wait_for(connection.id(), "connected"));
    CHECK(server.stats(timeout));
    CHECK(server.connections(timeout));
    CHECK(manager.stats(timeout));
    CHECK_FALSE(server.stop(timeout));
    REQUIRE(f.client_log->wait_for(connection.id(), "disconnected closed_by_peer"));
  }
  // A missing pipe is an error at once, whatever the timeout.
  auto missing = f.open(manager, options.pipe_name, caf::timespan::max());
  CHECK(f.client_log->wait_for(missing.id(), "connect failed no_such_pipe"));
  CHECK_FALSE(manager.stop(std::chrono::milliseconds::max()));
}

PORT_TEST_CASE("close_after_drain with the longest deadline waits until all is sent") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto block = payload{pattern(30'000)};
  constexpr size_t count = 300;
  for (size_t round = 0; round < 2; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    for (size_t i = 0; i < count; ++i)
      connection.async_write(block);
    connection.close_after_drain(caf::timespan::max());
    f.let_bridge_turn();
    CHECK(connection.is_connected());
    CHECK(client->receive_many(count).size() == count);
    CHECK(client->at_end());
    REQUIRE(f.log->wait_for(connection.id(), "disconnected closed_by_us"));
    CHECK(f.log->count("sent", connection.id()) == count);
  }
}

PORT_TEST_CASE("a session's request with the longest timeout waits for its answer") {
  port_fixture f{port};
  auto waiting = std::make_shared<std::vector<caf::response_promise>>();
  auto worker = f.ended_with_system(
    f.spawn([waiting, log = f.log](caf::event_based_actor* self) -> caf::behavior {
      return {[=](int) {
                waiting->push_back(self->make_response_promise());
                log->add(0, "asked");
                return waiting->back();
              },
              [=](const std::string&) {
                for (auto& promise : std::exchange(*waiting, {}))
                  promise.deliver(2);
              }};
    }));
  auto server = f.serve<asking_session>(f.options(), f.log, worker);
  auto client = f.connect(server);
  for (size_t round = 1; round <= 2; ++round) {
    CHECK(client->send("ask"));
    REQUIRE(f.log->wait_for("asked", 3 * round));
    f.let_bridge_turn();
    f.self()->send(worker, std::string{"go"});
    REQUIRE(f.log->wait_for("answer", 3 * round));
  }
  CHECK(f.log->count("error") == 0);
}
