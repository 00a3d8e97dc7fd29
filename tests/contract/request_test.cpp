// The answers to the requests of a connection.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("a request is answered when the operation ends") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"asked"}, cookie::of(1)}));
  CHECK(client->receive() == "asked");
  CHECK(f.log->wait_for("sent [1]"));
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  CHECK_FALSE(connection.is_connected());
  CHECK(client->at_end());
}

PORT_TEST_CASE("a request to write is answered with what went wrong") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = 1000;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto error = f.ask(connection.actor(), async_write{payload{pattern(1001)}, cookie::of(1)});
  CHECK(code_of(error) == errc::message_too_large);
  CHECK(f.log->wait_for("failed message_too_large [1]"));
  // Nothing was sent and the connection goes on.
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"ok"}, cookie::of(2)}));
  CHECK(client->receive() == "ok");
}

PORT_TEST_CASE("a request to read is answered with the message") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("one"));
  auto got = f.ask_for<payload>(connection.actor(), async_read{cookie::of(1)});
  REQUIRE(got);
  CHECK(got->text() == "one");
  CHECK(f.log->wait_for("received one [1]"));
  client->close();
  CHECK_FALSE(f.ask_for<payload>(connection.actor(), async_read{cookie::of(2)}));
}
