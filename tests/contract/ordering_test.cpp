// The order of messages and events.

#include "contract/fixture.hpp"

using namespace contract;

/// Sends in pieces of very different sizes.
static void send_in_pieces(test_client& client, std::string_view all) {
  for (size_t at = 0, step = 1; at < all.size(); at += step, step = step * 7 % 50021)
    client.send(all.substr(at, step));
}

PORT_TEST_CASE("messages of one connection arrive in the order sent") {
  port_fixture f{port};
  constexpr int count = 2000;
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto client = f.connect(server);
  lines expected = {"connected"};
  for (int i = 0; i < count; ++i) {
    auto text = std::to_string(i);
    REQUIRE(client->send(text));
    expected.push_back("received " + text);
  }
  REQUIRE(f.log->wait_for("received", count));
  CHECK(f.log->of(f.log->connection().id()) == expected);
}

PORT_TEST_CASE("writes of one sender leave in the order sent, even under back-pressure") {
  port_fixture f{port};
  constexpr int count = 3000;
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  // Of very different sizes, more than the pipe holds; the reader races.
  std::thread writer{[&, to = connection] {
    for (int i = 0; i < count; ++i)
      to.async_write(payload{std::to_string(i) + " " + std::string(size_t(i * 37 % 3000), 'x')},
                     cookie::of(i));
  }};
  auto messages = client->receive_many(count);
  writer.join();
  REQUIRE(messages.size() == count);
  for (int i = 0; i < count; ++i) {
    if (std::stoi(messages[size_t(i)]) != i)
      FAIL("message " << i << " is " << messages[size_t(i)].substr(0, 20));
  }
  REQUIRE(f.log->wait_for("sent", count));
  lines expected = {"connected"};
  for (int i = 0; i < count; ++i)
    expected.push_back("sent [" + std::to_string(i) + "]");
  CHECK(f.log->of(connection.id()) == expected);
}

PORT_TEST_CASE("actors that write from several threads each keep their order") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  constexpr int senders = 4;
  constexpr int count = 500;
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  // The handle goes to each of them in a message.
  for (int sender = 0; sender < senders; ++sender) {
    auto actor = f.spawn([sender]() -> caf::behavior {
      return {[sender](const named_pipe_connection& to) {
        for (int i = 0; i < count; ++i)
          to.async_write(payload{std::to_string(sender) + " " + std::to_string(i)});
      }};
    });
    caf::anon_send(actor, connection);
  }
  std::map<int, int> next;
  for (auto& message : client->receive_many(senders * count)) {
    auto sender = message[0] - '0';
    if (std::stoi(message.substr(2)) != next[sender])
      FAIL("sender " << sender << ": " << message << " in place of " << next[sender]);
    ++next[sender];
  }
  for (int sender = 0; sender < senders; ++sender)
    CHECK(next[sender] == count);
  CHECK(f.log->wait_for("sent", size_t(senders * count)));
}

PORT_TEST_CASE("a handler's writes leave in the order of the messages they answer") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()), echo());
  std::vector<client_ptr> clients;
  for (int i = 0; i < 4; ++i)
    clients.push_back(f.connect(server));
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int k = 0; k < 4; ++k)
    threads.emplace_back([&, client = clients[size_t(k)]] {
      // Keeps some in flight.
      int received = 0;
      for (int i = 0; i < 300; ++i) {
        if (!client->send(std::to_string(i)))
          return;
        if (i >= 16) {
          if (client->receive() != std::to_string(received))
            return;
          ++received;
        }
      }
      for (; received < 300; ++received)
        if (client->receive() != std::to_string(received))
          return;
      ++good;
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(good == 4);
}

PORT_TEST_CASE("byte mode keeps every byte in order") {
  port_fixture f{port};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto server = f.serve(options, GENERATE(each_taker()), echo());
  auto client = f.connect(server);
  auto all = pattern(3'000'000);
  std::thread writer{[&] { send_in_pieces(*client, all); }};
  auto back = client->receive_bytes(all.size());
  writer.join();
  CHECK(back.size() == all.size());
  CHECK((back == all));
}

PORT_TEST_CASE("byte mode keeps every byte before the end of the input", needs::half_close) {
  port_fixture f{port};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  auto server = f.serve(options, GENERATE(each_taker()), echo());
  auto client = f.connect(server);
  auto all = pattern(3'000'000);
  std::thread writer{[&] {
    send_in_pieces(*client, all);
    client->shutdown_write();
  }};
  auto back = client->receive_bytes(all.size());
  CHECK(client->at_end());
  writer.join();
  CHECK(back.size() == all.size());
  CHECK((back == all));
}
