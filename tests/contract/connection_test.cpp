// Properties of a connection, in either direction.

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

PORT_TEST_CASE("get_connections returns the connections that are open") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::handler);
  auto none = server.server.connections();
  REQUIRE(none);
  CHECK(none->empty());
  auto first = f.connect_and_wait(server, 0);
  auto second = f.connect_and_wait(server, 1);
  auto both = server.server.connections();
  REQUIRE(both);
  REQUIRE(both->size() == 2);
  CHECK(std::count(both->begin(), both->end(), first.second) == 1);
  CHECK(std::count(both->begin(), both->end(), second.second) == 1);
  first.first->close();
  // A close is answered when the pipe is closed; the server is notified before that.
  CHECK_FALSE(f.ask(first.second.actor(), async_close{}));
  auto left = server.server.connections();
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front() == second.second);
}

PORT_TEST_CASE("connections leave no session and no handle behind") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto before = open_handles();
  for (size_t round = 0; round < 100; ++round) {
    auto client = f.connect(server);
    REQUIRE(client->send("x"));
    REQUIRE(client->receive() == "x");
    f.log->forget_connections();
    client->close();
    REQUIRE(f.log->wait_for("session gone", round + 1));
  }
  CHECK(open_handles() <= before + handles_that_come);
}
