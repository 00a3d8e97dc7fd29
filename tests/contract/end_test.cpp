// How connections end: reasons, last words, end of file.

#include "contract/fixture.hpp"

using namespace contract;

// -- the reason -----------------------------------------------------------------------------------

TEST_CASE("the reason tells closed_by_peer from closed_by_us") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), each_taker(), log);
  auto by_peer = f.connect(server, log, 0);
  auto by_us = f.connect(server, log, 1);
  by_peer.first->close();
  by_us.second.async_close();
  REQUIRE(log->wait_for("disconnected", 2));
  CHECK(log->of(by_peer.second.id()) == lines{"connected", "disconnected closed_by_peer"});
  CHECK(log->of(by_us.second.id()) == lines{"connected", "disconnected closed_by_us"});
}

TEST_CASE("the reason tells peer_reset: the peer left without reading what it was sent") {
  port_fixture f;
  if (!f.tells_unread())
    return;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  connection.async_write(payload{"unread"}, cookie::of(1));
  REQUIRE(log->wait_for("sent [1]"));
  client->abort();
  REQUIRE(log->wait_for("disconnected"));
  CHECK(log->of(connection.id()) == lines{"connected", "sent [1]", "disconnected peer_reset"});
}

TEST_CASE("the reason tells peer_reset where a write still waited for room") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  for (int i = 0; i < 100; ++i)
    connection.async_write(payload{pattern(100'000)}, cookie::of(i));
  client->abort();
  REQUIRE(log->wait_for("disconnected"));
  CHECK(log->of(connection.id()).back() == "disconnected peer_reset");
  CHECK(log->count("sent") + log->count("failed") == 100);
}

TEST_CASE("the reason tells message_too_large") {
  port_fixture f;
  auto options = f.options();
  options.max_message_size = 1000;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  CHECK(client->send(pattern(1000)));
  CHECK(client->send(pattern(1001)));
  REQUIRE(log->wait_for("disconnected"));
  CHECK(log->of(connection.id())
        == lines{"connected", "received #1000", "disconnected message_too_large"});
  CHECK(client->at_end());
}

TEST_CASE("the reason tells handler_failed, with the handler's own words") {
  port_fixture f;
  std::string text;
  script todo;
  todo.received = [](const named_pipe_connection&, const cookie&, const payload&) {
    throw std::runtime_error{"the moon is full"};
  };
  todo.disconnected = [&](const named_pipe_connection&, const caf::error& reason) {
    text = describe(reason);
  };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, log, todo);
  auto [client, connection] = f.connect(server, log);
  CHECK(client->send("x"));
  REQUIRE(log->wait_for("disconnected handler_failed"));
  CHECK(client->at_end());
  f.end_context();
  CHECK(text.find("the moon is full") != std::string::npos);
}

TEST_CASE("a client of another user is refused, and the server hears of it") {
  port_fixture f;
  std::string text;
  script todo;
  todo.disconnected = [&](const named_pipe_connection&, const caf::error& reason) {
    text = describe(reason);
  };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::handler, log, todo);
  auto client = f.connect_as_stranger(server);
  // Where the system's own rules are first, the server never sees one.
  if (client == nullptr)
    return;
  CHECK(client->at_end());
  REQUIRE(log->wait_for("disconnected access_denied"));
  CHECK(log->count("connected") == 0);
  CHECK(log->count("received") == 0);
  f.end_context();
  CHECK(text.find("4711") != std::string::npos);
  CHECK(text.find("65533") != std::string::npos);
}

// -- last words -----------------------------------------------------------------------------------

TEST_CASE("last words are delivered before the disconnect") {
  port_fixture f;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), each_taker(), log);
  for (size_t round = 0; round < 20; ++round) {
    auto client = f.connect(server);
    lines expected = {"connected"};
    for (int i = 0; i < 40; ++i) {
      REQUIRE(client->send(std::to_string(i)));
      expected.push_back("received " + std::to_string(i));
    }
    client->close();
    expected.push_back("disconnected closed_by_peer");
    auto connection = log->connection(round);
    REQUIRE(log->wait_for(connection.id(), "disconnected"));
    REQUIRE(log->of(connection.id()) == expected);
  }
}

TEST_CASE("last words are delivered also when the client left data of ours unread") {
  port_fixture f;
  script todo;
  // Writes from inside the events: one of them perhaps meets the reset first.
  todo.received = [](const named_pipe_connection& c, const cookie&, const payload& data) {
    c.async_write(data);
  };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), each_taker(), log, todo);
  for (size_t round = 0; round < 20; ++round) {
    auto [client, connection] = f.connect(server, log, round);
    lines expected;
    for (int i = 0; i < 40; ++i) {
      REQUIRE(client->send(std::to_string(i)));
      expected.push_back("received " + std::to_string(i));
    }
    client->abort();
    REQUIRE(log->wait_for(connection.id(), "disconnected"));
    auto seen = log->of(connection.id());
    CHECK(seen.back().compare(0, 12, "disconnected") == 0);
    lines received;
    for (auto& line : seen)
      if (line.compare(0, 8, "received") == 0)
        received.push_back(line);
    REQUIRE(received == expected);
    REQUIRE(log->count("sent", connection.id()) + log->count("failed", connection.id()) == 40);
  }
}

TEST_CASE("the reason is peer_reset also where a write is the first to meet it") {
  port_fixture f;
  if (!f.tells_unread())
    return;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), each_taker(), log, echo());
  for (size_t round = 0; round < 20; ++round) {
    auto [client, connection] = f.connect(server, log, round);
    for (int i = 0; i < 40; ++i)
      REQUIRE(client->send(std::to_string(i)));
    client->abort();
    REQUIRE(log->wait_for(connection.id(), "disconnected"));
    auto reason = log->of(connection.id()).back();
    // sendmmsg(2) takes the error where it comes in the middle of a batch, and does not tell.
    if (f.kind() == port_kind::epoll && reason == "disconnected closed_by_peer")
      continue;
    CHECK(reason == "disconnected peer_reset");
  }
}

TEST_CASE("unread input is discarded when we close, so that the peer can read our last reply") {
  port_fixture f;
  auto options = f.options();
  options.continuously_read = false;
  options.mode = GENERATE(pipe_mode::message, pipe_mode::byte);
  script todo;
  todo.sent = [](const named_pipe_connection& c, const cookie&) { c.async_close(); };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log, todo);
  auto [client, connection] = f.connect(server, log);
  for (int i = 0; i < 10; ++i)
    CHECK(client->send("nobody reads this"));
  connection.async_write(payload{"go away"});
  REQUIRE(log->wait_for("disconnected closed_by_us"));
  CHECK(client->receive() == "go away");
  CHECK(client->at_end());
  CHECK_FALSE(client->was_reset());
  CHECK_FALSE(client->send("more"));
}

// -- end of file ----------------------------------------------------------------------------------

TEST_CASE("end of file in byte mode lets queued writes drain") {
  port_fixture f;
  if (!f.has_half_close())
    return;
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log);
  auto [client, connection] = f.connect(server, log);
  auto all = pattern(2'000'000);
  connection.async_write(payload{all}, cookie::of(1));
  connection.async_write(payload{"the end"}, cookie::of(2));
  client->shutdown_write();
  CHECK(client->receive_bytes(all.size() + 7) == all + "the end");
  CHECK(client->at_end());
  REQUIRE(log->wait_for("disconnected"));
  CHECK(log->of(connection.id())
        == lines{"connected", "sent [1]", "sent [2]", "disconnected closed_by_peer"});
}

TEST_CASE("end of file in byte mode lets the writes of the last events drain") {
  port_fixture f;
  if (!f.has_half_close())
    return;
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto reply = pattern(2'000'000);
  script todo;
  todo.received = [reply](const named_pipe_connection& c, const cookie&, const payload&) {
    c.async_write(payload{reply});
  };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, each_taker(), log, todo);
  for (size_t round = 0; round < 5; ++round) {
    auto client = f.connect(server);
    CHECK(client->send("GET / HTTP/1.0\r\n\r\n"));
    client->shutdown_write();
    REQUIRE(client->receive_bytes(reply.size()) == reply);
    REQUIRE(client->at_end());
    REQUIRE(log->wait_for(log->connection(round).id(), "disconnected closed_by_peer"));
  }
}

TEST_CASE("end of file waits for a handler that is behind with its events") {
  port_fixture f;
  if (!f.has_half_close())
    return;
  auto options = f.options();
  options.mode = GENERATE(pipe_mode::byte, pipe_mode::message);
  auto slow = std::make_shared<gate>();
  script todo;
  todo.received = [slow](const named_pipe_connection& c, const cookie&, const payload& data) {
    slow->pass();
    c.async_write(data);
  };
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::handler, log, todo);
  auto [client, connection] = f.connect(server, log);
  CHECK(client->send("question"));
  REQUIRE(slow->wait_for_visitor());
  client->shutdown_write();
  // Another client on the same bridge: when it is answered, the end was seen too.
  auto events = std::make_shared<event_log>();
  auto other = f.serve(f.options(), taker::session, events, echo());
  auto witness = f.connect(other);
  for (int i = 0; i < 3; ++i) {
    CHECK(witness->send("x"));
    CHECK(witness->receive() == "x");
  }
  slow->open();
  CHECK(client->receive() == "question");
  CHECK(client->at_end());
  REQUIRE(log->wait_for("disconnected"));
  CHECK(log->of(connection.id())
        == lines{"connected", "received question", "sent", "disconnected closed_by_peer"});
}

TEST_CASE("end of file does not wait for ever for a peer that reads nothing") {
  port_fixture f;
  if (!f.has_half_close())
    return;
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::session, log);
  auto [client, connection] = f.connect(server, log);
  auto begin = std::chrono::steady_clock::now();
  connection.async_write(payload{pattern(4'000'000)}, cookie::of(1));
  client->shutdown_write();
  REQUIRE(log->wait_for("disconnected"));
  CHECK(std::chrono::steady_clock::now() - begin >= defaults::drain_timeout - 100ms);
  CHECK(log->of(connection.id())
        == lines{"connected", "failed operation_aborted [1]", "disconnected closed_by_peer"});
}
