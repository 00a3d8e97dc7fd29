// Handlers that keep messages, and reading that pauses (`read_queue_bytes`, `read_queue_messages`).

#include "contract/fixture.hpp"
#include "contract/keeper.hpp"

using namespace contract;

PORT_TEST_CASE("a handler that keeps many messages pauses reading, and its client blocks") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_messages = 8;
  keeper keeps;
  auto server = f.serve(options, GENERATE(each_taker()), keeps.todo());
  auto client = f.connect(server);
  constexpr size_t most = 20'000;
  auto sent = f.send_until_blocked(*client, "message", most);
  CHECK(sent < most);
  // The limit, and what one turn may deliver besides.
  CHECK(f.log->wait_for("received", 8));
  CHECK(f.log->count("received") <= 8 + 4 * defaults::reads_per_turn);
  keeps.release();
  CHECK(client->send("last"));
  REQUIRE(f.log->wait_for("received last"));
  CHECK(f.log->count("received") == sent + 1);
}

PORT_TEST_CASE("a handler that keeps many bytes pauses reading, and its client blocks") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_bytes = 256 * 1024;
  keeper keeps;
  auto server = f.serve(options, GENERATE(each_taker()), keeps.todo());
  auto client = f.connect(server);
  auto block = pattern(65536);
  constexpr size_t most = 2000;
  auto sent = f.send_until_blocked(*client, block, most);
  CHECK(sent < most);
  CHECK(f.log->wait_for("received", 4));
  CHECK(f.log->count("received") <= 4 + 4 * defaults::reads_per_turn);
  keeps.release();
  CHECK(client->send("last"));
  REQUIRE(f.log->wait_for("received last"));
  CHECK(f.log->count("received") == sent + 1);
}

PORT_TEST_CASE("a slow handler pauses reading, fills no memory, and harms no other connection") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_messages = 8;
  auto slow = std::make_shared<gate>();
  script todo;
  todo.received = [slow](const named_pipe_connection&, const cookie&, const payload&) {
    slow->pass();
  };
  auto server = f.serve(options, taker::handler, todo);
  auto client = f.connect(server);
  constexpr size_t most = 20'000;
  auto sent = f.send_until_blocked(*client, "message", most);
  CHECK(sent < most);
  f.let_bridge_turn();
  slow->open();
  CHECK(client->send("last"));
  REQUIRE(f.log->wait_for("received last"));
  f.end_context();
  CHECK(f.log->count("received") == sent + 1);
}
