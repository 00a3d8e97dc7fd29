// Clients that send without a pause.

#include "contract/fixture.hpp"

#include <algorithm>

using namespace contract;

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
