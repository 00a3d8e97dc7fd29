// What a connection is asked and what it answers.

#include "port/resolved_access.hpp"
#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("messages arrive in both directions, with either way to take events") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()), echo());
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("hello"));
  CHECK(client->receive() == "hello");
  CHECK(f.log->wait_for("sent"));
  client->close();
  CHECK(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received hello", "sent", "disconnected closed_by_peer"});
}

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

PORT_TEST_CASE("an empty message received is a message") {
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

PORT_TEST_CASE("cookies come back exactly once") {
  port_fixture f{port};
  auto options = f.options();
  options.write_queue_messages = 20;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  // More than the pipe and the queue hold: some are sent, some are refused at once, and
  // some are cancelled when we close.
  constexpr int count = 200;
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < count; ++i)
    connection.async_write(block, cookie::of(i));
  REQUIRE(f.log->wait_for("failed queue_full"));
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  REQUIRE(f.log->wait_for("disconnected closed_by_us"));
  CHECK(f.log->count("sent") > 0);
  CHECK(f.log->count("failed operation_aborted") > 0);
  CHECK(f.log->count("sent") + f.log->count("failed") == count);
  auto seen = f.log->of(connection.id());
  for (int i = 0; i < count; ++i) {
    auto suffix = " [" + std::to_string(i) + "]";
    auto mine = std::count_if(seen.begin(), seen.end(), [&](const std::string& line) {
      return line.size() > suffix.size()
             && line.compare(line.size() - suffix.size(), suffix.size(), suffix) == 0;
    });
    if (mine != 1)
      FAIL_CHECK("cookie " << i << " came back " << mine << " times");
  }
}

PORT_TEST_CASE("a cookie may be of any type that can be sent, and is empty by default") {
  port_fixture f{port};
  std::atomic<int> matches{0};
  script todo;
  todo.sent = [&](const named_pipe_connection& connection, const cookie& x) {
    auto* text = x.get_if<std::string>();
    auto* other = x.get_if<named_pipe_connection>();
    matches += x.empty()                                  ? 1
               : text != nullptr && *text == "text"       ? 10
               : other != nullptr && *other == connection ? 100
                                                          : 1000;
  };
  auto server = f.serve(f.options(), GENERATE(each_taker()), todo);
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_write(payload{"1"});
  connection.async_write(payload{"2"}, cookie::of(std::string{"text"}));
  connection.async_write(payload{"3"}, cookie::of(connection));
  CHECK(client->receive_many(3) == lines{"1", "2", "3"});
  CHECK(f.log->wait_for("sent", 3));
  f.end_context();
  CHECK(matches == 111);
}

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

PORT_TEST_CASE("client_disconnected is the last event, save failures of later writes") {
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

PORT_TEST_CASE("a connection tells who is at the other end, from any thread") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session);
  auto [client, connection] = f.connect_and_wait(server);
  auto peer = connection.peer();
  REQUIRE(peer);
  CHECK(peer->pid > 0);
  CHECK(port::resolve(pipe_access::owner())->admits(*peer));
  CHECK(connection.is_local());
  CHECK(connection.id() != 0);
  CHECK_FALSE(named_pipe_connection{}.peer());
}

PORT_TEST_CASE("custom data is a slot on the handle") {
  port_fixture f{port};
  std::atomic<int> seen{0};
  script todo;
  todo.connected = [](const named_pipe_connection& c) { *c.custom_data() = std::string{}; };
  todo.received = [](const named_pipe_connection& c, const cookie&, const payload& data) {
    *c.custom_data_as<std::string>() += data.text();
    c.async_write(payload{*c.custom_data_as<std::string>()});
  };
  todo.disconnected = [&](const named_pipe_connection& c, const caf::error&) {
    seen += c.custom_data_as<std::string>() != nullptr && c.custom_data_as<int>() == nullptr;
  };
  auto server = f.serve(f.options(), taker::handler, todo);
  auto one = f.connect(server);
  auto two = f.connect(server);
  CHECK(one->send("a"));
  CHECK(two->send("x"));
  CHECK(one->send("b"));
  CHECK(one->receive_many(2) == lines{"a", "ab"});
  CHECK(two->receive() == "x");
  one->close();
  two->close();
  REQUIRE(f.log->wait_for("disconnected", 2));
  f.end_context();
  CHECK(seen == 2);
}

// -- requests -------------------------------------------------------------------------------------

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

PORT_TEST_CASE("async_read is refused where reading is continuous") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto read = f.ask_for<payload>(connection.actor(), async_read{cookie::of(1)});
  REQUIRE_FALSE(read);
  CHECK(code_of(read.error()) == errc::invalid_option);
  CHECK(f.log->wait_for("failed invalid_option [1]"));
  CHECK(client->send("still read"));
  CHECK(f.log->wait_for("received still read"));
}

// -- manual mode ----------------------------------------------------------------------------------

PORT_TEST_CASE("manual mode delivers one message per async_read with its cookie") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  for (auto text : {"a", "b", "c", "d"})
    CHECK(client->send(text));
  connection.async_read(cookie::of(1));
  REQUIRE(f.log->wait_for("received a [1]"));
  // The write's event is behind whatever else would have been delivered.
  CHECK_FALSE(f.ask(connection.actor(), async_write{payload{"x"}, {}}));
  CHECK(f.log->count("received") == 1);
  connection.async_read(cookie::of(2));
  connection.async_read(cookie::of(3));
  connection.async_read();
  REQUIRE(f.log->wait_for("received", 4));
  connection.async_read(cookie::of(5));
  CHECK(client->send("e"));
  REQUIRE(f.log->wait_for("received", 5));
  auto seen = f.log->of(connection.id());
  seen.erase(std::remove(seen.begin(), seen.end(), "sent"), seen.end());
  CHECK(seen
        == lines{"connected", "received a [1]", "received b [2]", "received c [3]", "received d",
                 "received e [5]"});
}

PORT_TEST_CASE("in manual mode the end is told at once where nothing unread is left") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  client->close();
  REQUIRE(f.log->wait_for("disconnected closed_by_peer"));
}

PORT_TEST_CASE("in manual mode a read that meets the end fails with the reason") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_read(cookie::of(1));
  connection.async_read(cookie::of(2));
  CHECK(client->send("last words"));
  REQUIRE(f.log->wait_for("received last words [1]"));
  client->close();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received last words [1]", "failed closed_by_peer [2]",
                 "disconnected closed_by_peer"});
}

PORT_TEST_CASE("in manual mode the end waits until the last words are read") {
  port_fixture f{port};
  auto options = f.options();
  options.continuously_read = false;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("last"));
  CHECK(client->send("words"));
  client->close();
  connection.async_read(cookie::of(1));
  REQUIRE(f.log->wait_for("received last [1]"));
  CHECK(connection.is_connected());
  // The third read meets the end, or comes after it: it fails in any case.
  connection.async_read(cookie::of(2));
  connection.async_read(cookie::of(3));
  REQUIRE(f.log->wait_for("disconnected closed_by_peer"));
  REQUIRE(f.log->wait_for("failed"));
  auto seen = f.log->of(connection.id());
  REQUIRE(seen.size() == 5);
  CHECK(seen[2] == "received words [2]");
}
