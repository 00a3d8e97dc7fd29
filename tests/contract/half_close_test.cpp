// A client that ends its writing and reads on.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("end of file in byte mode lets queued writes drain", needs::half_close) {
  port_fixture f{port};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto all = pattern(2'000'000);
  connection.async_write(payload{all}, cookie::of(1));
  connection.async_write(payload{"the end"}, cookie::of(2));
  client->shutdown_write();
  CHECK(client->receive_bytes(all.size() + 7) == all + "the end");
  CHECK(client->at_end());
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "sent [1]", "sent [2]", "disconnected closed_by_peer"});
}

PORT_TEST_CASE("end of file in byte mode lets the writes of the last events drain",
               needs::half_close) {
  port_fixture f{port};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto reply = pattern(2'000'000);
  script todo;
  todo.received = [reply](const named_pipe_connection& c, const cookie&, const payload&) {
    c.async_write(payload{reply});
  };
  auto server = f.serve(options, GENERATE(each_taker()), todo);
  for (size_t round = 0; round < 5; ++round) {
    auto client = f.connect(server);
    CHECK(client->send("GET / HTTP/1.0\r\n\r\n"));
    client->shutdown_write();
    REQUIRE(client->receive_bytes(reply.size()) == reply);
    REQUIRE(client->at_end());
    REQUIRE(f.log->wait_for(f.log->connection(round).id(), "disconnected closed_by_peer"));
  }
}

PORT_TEST_CASE("end of file waits for a handler that is behind with its events",
               needs::half_close) {
  port_fixture f{port};
  auto options = f.options();
  options.mode = GENERATE(pipe_mode::byte, pipe_mode::message);
  auto slow = std::make_shared<gate>();
  script todo;
  todo.received = [slow](const named_pipe_connection& c, const cookie&, const payload& data) {
    slow->pass();
    c.async_write(data);
  };
  auto server = f.serve(options, taker::handler, todo);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("question"));
  REQUIRE(slow->wait_for_visitor());
  client->shutdown_write();
  f.let_bridge_turn();
  slow->open();
  CHECK(client->receive() == "question");
  CHECK(client->at_end());
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received question", "sent", "disconnected closed_by_peer"});
}

PORT_TEST_CASE("end of file waits for a peer that reads nothing until the drain timeout",
               needs::half_close) {
  port_fixture f{port};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto server = f.serve(options, taker::session);
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_write(payload{pattern(4'000'000)}, cookie::of(1));
  client->shutdown_write();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "failed operation_aborted [1]", "disconnected closed_by_peer"});
}
