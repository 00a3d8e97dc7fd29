// A close that waits for the writes before it.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("close_after_drain sends what was written, then closes") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  constexpr int count = 300;
  auto block = pattern(30'000);
  for (int i = 0; i < count; ++i)
    connection.async_write(payload{block}, cookie::of(i));
  connection.close_after_drain(patience);
  connection.async_write(payload{"too late"}, cookie::of(count));
  REQUIRE(f.log->wait_for("failed not_connected [300]"));
  CHECK(connection.is_connected());
  CHECK(client->receive_many(count).size() == count);
  CHECK(client->at_end());
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(f.log->count("sent") == count);
  CHECK(f.log->count("failed") == 1);
}

PORT_TEST_CASE("close_after_drain goes on receiving meanwhile") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 300; ++i)
    connection.async_write(block);
  connection.close_after_drain(patience);
  CHECK(client->send("meanwhile"));
  CHECK(f.log->wait_for("received meanwhile"));
  client->receive_all();
  CHECK(f.log->wait_for("disconnected closed_by_us"));
}

PORT_TEST_CASE("close_after_drain does not wait longer than its deadline") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 300; ++i)
    connection.async_write(block, cookie::of(i));
  CHECK_FALSE(f.ask(connection.actor(), close_after_drain{20ms}));
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(f.log->count("failed operation_aborted") > 0);
  CHECK(f.log->count("sent") + f.log->count("failed") == 300);
}

PORT_TEST_CASE("close_after_drain closes at once if nothing waits, and is answered then") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK_FALSE(f.ask(connection.actor(), close_after_drain{patience}));
  CHECK_FALSE(connection.is_connected());
  CHECK(client->at_end());
  CHECK(f.log->wait_for("disconnected closed_by_us"));
  CHECK_FALSE(f.ask(connection.actor(), close_after_drain{patience}));
}

PORT_TEST_CASE("close_after_drain of an opening connection waits for its writes") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, server.options.pipe_name);
  connection.async_write(payload{"farewell"}, cookie::of(1));
  connection.close_after_drain(patience);
  CHECK(f.log->wait_for("received farewell"));
  CHECK(f.client_log->wait_for(connection.id(), "disconnected closed_by_us"));
  CHECK(f.client_log->count("sent [1]") == 1);
}
