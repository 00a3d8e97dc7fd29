// How connections end: reasons, last words, end of file.

#include "contract/fixture.hpp"

using namespace contract;

// -- the reason -----------------------------------------------------------------------------------

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

PORT_TEST_CASE("the reason tells peer_reset: the peer left without reading what it was sent",
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

PORT_TEST_CASE("the reason tells peer_reset where a write still waited for room") {
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

PORT_TEST_CASE("the reason tells message_too_large") {
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

PORT_TEST_CASE("the reason tells handler_failed, with the handler's own words") {
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

PORT_TEST_CASE("a client of another user is refused, and the server hears of it", needs::users) {
  port_fixture f{port};
  std::string text;
  script todo;
  todo.disconnected = [&](const named_pipe_connection&, const caf::error& reason) {
    text = describe(reason);
  };
  auto server = f.serve(f.options(), taker::handler, todo);
  auto client = f.connect_as_stranger(server);
  CHECK(client->at_end());
  REQUIRE(f.log->wait_for("disconnected access_denied"));
  CHECK(f.log->count("connected") == 0);
  CHECK(f.log->count("received") == 0);
  f.end_context();
  CHECK(text.find(std::to_string(pid_of_clients)) != std::string::npos);
  CHECK(text.find(std::to_string(stranger)) != std::string::npos);
}

// -- last words -----------------------------------------------------------------------------------

PORT_TEST_CASE("last words are delivered before the disconnect") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  for (size_t round = 0; round < 20; ++round) {
    auto client = f.connect(server);
    lines expected = {"connected"};
    for (int i = 0; i < 40; ++i) {
      REQUIRE(client->send(std::to_string(i)));
      expected.push_back("received " + std::to_string(i));
    }
    client->close();
    expected.push_back("disconnected closed_by_peer");
    auto connection = f.log->connection(round);
    REQUIRE(f.log->wait_for(connection.id(), "disconnected"));
    REQUIRE(f.log->of(connection.id()) == expected);
  }
}

PORT_TEST_CASE("last words are delivered also when the client left data of ours unread") {
  port_fixture f{port};
  script todo;
  // Writes from inside the events: one of them perhaps meets the reset first.
  todo.received = [](const named_pipe_connection& c, const cookie&, const payload& data) {
    c.async_write(data);
  };
  auto server = f.serve(f.options(), GENERATE(each_taker()), todo);
  for (size_t round = 0; round < 20; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    lines expected;
    for (int i = 0; i < 40; ++i) {
      REQUIRE(client->send(std::to_string(i)));
      expected.push_back("received " + std::to_string(i));
    }
    client->abort();
    REQUIRE(f.log->wait_for(connection.id(), "disconnected"));
    auto seen = f.log->of(connection.id());
    CHECK(seen.back().compare(0, 12, "disconnected") == 0);
    lines received;
    for (auto& line : seen)
      if (line.compare(0, 8, "received") == 0)
        received.push_back(line);
    REQUIRE(received == expected);
    REQUIRE(f.log->count("sent", connection.id()) + f.log->count("failed", connection.id()) == 40);
  }
}

PORT_TEST_CASE("the reason is peer_reset also where a write is the first to meet it",
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

// -- end of file ----------------------------------------------------------------------------------

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

PORT_TEST_CASE("end of file does not wait for ever for a peer that reads nothing",
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
