// Connections that we close.

#include "contract/fixture.hpp"
#include "contract/keeper.hpp"
#include "unit/eventually.hpp"

using namespace contract;

PORT_TEST_CASE("async_close cancels every outstanding operation, then client_disconnected") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_read(cookie::of(1));
  connection.async_read(cookie::of(2));
  connection.async_close();
  connection.async_close();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(client->at_end());
  CHECK(f.log->of(connection.id())
        == lines{"connected", "failed operation_aborted [1]", "failed operation_aborted [2]",
                 "disconnected closed_by_us"});
}

PORT_TEST_CASE("client_disconnected is the last event, except failures of later writes") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  client->close();
  REQUIRE(f.log->wait_for("disconnected"));
  connection.async_write(payload{"late"}, cookie::of(1));
  connection.async_read(cookie::of(2));
  CHECK(code_of(f.ask(connection.actor(), async_write{payload{"late"}, cookie::of(3)}))
        == errc::not_connected);
  auto read = f.ask_for<payload>(connection.actor(), async_read{cookie::of(4)});
  REQUIRE_FALSE(read);
  CHECK(code_of(read.error()) == errc::not_connected);
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  REQUIRE(f.log->wait_for("failed", 4));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "disconnected closed_by_peer", "failed not_connected [1]",
                 "failed not_connected [2]", "failed not_connected [3]",
                 "failed not_connected [4]"});
}

PORT_TEST_CASE("is_connected turns false before client_disconnected") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto by_peer = f.connect_and_wait(server, 0);
  auto by_us = f.connect_and_wait(server, 1);
  CHECK(by_peer.second.is_connected());
  CHECK_FALSE(by_peer.second.is_opening());
  CHECK(by_peer.second.native_handle() != invalid_native_handle);
  by_peer.first->close();
  by_us.second.async_close();
  REQUIRE(f.log->wait_for("disconnected", 2));
  // A line of a pipe that still looked connected, or had a handle, would be longer.
  CHECK(f.log->of(by_peer.second.id()).back() == "disconnected closed_by_peer");
  CHECK(f.log->of(by_us.second.id()).back() == "disconnected closed_by_us");
  CHECK_FALSE(by_us.second.is_connected());
  CHECK(by_us.second.native_handle() == invalid_native_handle);
}

PORT_TEST_CASE("is_connected turns false while input is unread") {
  port_fixture f{port};
  auto options = f.options();
  // A handler that keeps a message pauses reading as well.
  options.continuously_read = GENERATE(false, true);
  options.read_queue_messages = 1;
  keeper kept;
  auto server = f.serve(options, GENERATE(each_taker()), kept.todo());
  std::vector<named_pipe_connection> connections;
  for (size_t i = 0; i < 3; ++i) {
    auto [client, connection] = f.connect_and_wait(server, i);
    for (int message = 0; message < 8; ++message)
      CHECK(client->send("unread"));
    f.let_bridge_turn();
    CHECK(connection.is_connected());
    client->close();
    CHECK(test::eventually([&c = connection] { return !c.is_connected(); }));
    auto stats = f.ask_for<connection_stats>(connection.actor(), get_stats{});
    REQUIRE(stats);
    CHECK_FALSE(stats->is_connected);
    connections.push_back(connection);
  }
  // In manual mode only a read meets the end; a pause ends with the pipe.
  if (!options.continuously_read)
    CHECK(f.log->count("disconnected") == 0);
  kept.release();
  for (auto& connection : connections)
    connection.async_close();
  REQUIRE(f.log->wait_for("disconnected", 3));
}

PORT_TEST_CASE(
  "unread input is discarded when we close, so that the peer can read our last reply") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  options.mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  script todo;
  todo.sent = [](const named_pipe_connection& c, const cookie&) { c.async_close(); };
  auto server = f.serve(options, GENERATE(each_taker()), todo);
  auto [client, connection] = f.connect_and_wait(server);
  for (int i = 0; i < 10; ++i)
    CHECK(client->send("nobody reads this"));
  connection.async_write(payload{"go away"});
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(client->receive() == "go away");
  CHECK(client->at_end());
  CHECK_FALSE(client->was_reset());
  CHECK_FALSE(client->send("more"));
}
