// The reason of a disconnect.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("the reason tells closed_by_peer from closed_by_us") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto by_peer = f.connect_and_wait(server, 0);
  auto by_us = f.connect_and_wait(server, 1);
  by_peer.first->close();
  by_us.second.async_close();
  REQUIRE(f.log->wait_for("disconnected", 2));
  CHECK(f.log->of(by_peer.second.id()) == lines{"connected", "disconnected closed_by_peer"});
  CHECK(f.log->of(by_us.second.id()) == lines{"connected", "disconnected closed_by_us"});
}

PORT_TEST_CASE("the reason is peer_reset if the peer left without reading what it was sent",
               needs::reset_if_unread) {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  connection.async_write(payload{"unread"}, cookie::of(1));
  REQUIRE(f.log->wait_for("sent [1]"));
  client->abort();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id()) == lines{"connected", "sent [1]", "disconnected peer_reset"});
}

PORT_TEST_CASE("the reason is peer_reset if a write still waited for room") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  for (int i = 0; i < 100; ++i)
    connection.async_write(payload{pattern(100'000)}, cookie::of(i));
  client->abort();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id()).back() == "disconnected peer_reset");
  CHECK(f.log->count("sent") + f.log->count("failed") == 100);
}

PORT_TEST_CASE("the reason is peer_reset even if a write meets the reset first",
               needs::reset_if_unread) {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()), echo());
  for (size_t round = 0; round < 20; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    for (int i = 0; i < 40; ++i)
      REQUIRE(client->send(std::to_string(i)));
    client->abort();
    REQUIRE(f.log->wait_for(connection.id(), "disconnected"));
    // sendmmsg(2) takes the error if it comes in the middle of a batch, and does not tell.
    auto expected = lines{"disconnected peer_reset"};
    if (port == port_kind::epoll)
      expected.push_back("disconnected closed_by_peer");
    CHECK_THAT(expected, Catch::VectorContains(f.log->of(connection.id()).back()));
  }
}

PORT_TEST_CASE("the reason is message_too_large if a message is longer than max_message_size") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = 1000;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send(pattern(1000)));
  CHECK(client->send(pattern(1001)));
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->of(connection.id())
        == lines{"connected", "received #1000", "disconnected message_too_large"});
  CHECK(client->at_end());
}

PORT_TEST_CASE("the reason is handler_failed with the text of the exception") {
  port_fixture f{port};
  std::string text;
  script todo;
  todo.received = [](const named_pipe_connection&, const cookie&, const payload&) {
    throw std::runtime_error{"the moon is full"};
  };
  todo.disconnected = [&](const named_pipe_connection&, const caf::error& reason) {
    text = describe(reason);
  };
  auto server = f.serve(f.options(), taker::session, todo);
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("x"));
  REQUIRE(f.log->wait_for("disconnected handler_failed"));
  CHECK(client->at_end());
  f.end_context();
  CHECK(text.find("the moon is full") != std::string::npos);
}
