// Messages without bytes.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("a zero-length write is a no-op") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_write(payload{}, cookie::of(1));
  connection.async_write(payload{""}, cookie::of(2));
  f.self()->send(connection.actor(), async_write{payload{}, cookie::of(3)});
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{}, cookie::of(4)}));
  connection.async_write(payload{"x"}, cookie::of(5));
  CHECK(client->receive() == "x");
  REQUIRE(f.log->wait_for("sent [5]"));
  // Also one that is closed says nothing of it.
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{}, cookie::of(6)}));
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id()) == lines{"connected", "sent [5]", "disconnected closed_by_us"});
}

PORT_TEST_CASE("an empty message from a peer is received as a message") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send(""));
  CHECK(client->send("a"));
  CHECK(client->send(""));
  CHECK(client->send(""));
  CHECK(client->send("b"));
  REQUIRE(f.log->wait_for("received b"));
  client->close();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received ", "received a", "received ", "received ", "received b",
                 "disconnected closed_by_peer"});
}
