// Messages of every size, and the limits.

#include "contract/fixture.hpp"

#include <algorithm>

using namespace contract;

PORT_TEST_CASE("messages of every size arrive whole, in both directions") {
  port_fixture f{port};
  auto options = f.options();
  options.message_buffer_size = GENERATE(size_t{131072}, size_t{1000});
  auto server = f.serve(options, taker::session, echo());
  auto client = f.connect(server);
  auto limit = server.ready.max_message_size;
  for (auto size : std::vector<size_t>{1, 2, 999, 1000, 1001, 4095, 4096, 4097, 65535, 65536, 65537,
                                       131071, 131072, 131073, limit - 1, limit}) {
    auto message = pattern(size, static_cast<unsigned>(size));
    INFO("size " << size);
    REQUIRE(client->send(message));
    auto back = client->receive();
    REQUIRE(back);
    REQUIRE(back->size() == size);
    REQUIRE((*back == message));
  }
}

PORT_TEST_CASE("a write of one byte more than max_message_size fails, and nothing is sent") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = GENERATE(size_t{0}, size_t{131072}, size_t{1});
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto limit = server.ready.max_message_size;
  if (options.max_message_size != 0)
    CHECK(limit == options.max_message_size);
  connection.async_write(payload{pattern(limit + 1)}, cookie::of(1));
  connection.async_write(payload{pattern(limit)}, cookie::of(2));
  auto message = client->receive();
  REQUIRE(message);
  CHECK((*message == pattern(limit)));
  REQUIRE(f.log->wait_for("sent [2]"));
  REQUIRE(f.log->wait_for("failed"));
  CHECK(f.log->count("failed message_too_large [1]") == 1);
}

PORT_TEST_CASE("a peer that sends one byte more than max_message_size is disconnected") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = GENERATE(size_t{1}, size_t{4096}, size_t{131072});
  auto server = f.serve(options, GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  auto [other, connection_of_other] = f.connect_and_wait(server, 1);
  CHECK(client->send(pattern(options.max_message_size)));
  CHECK(client->send(pattern(options.max_message_size + 1)));
  REQUIRE(f.log->wait_for(connection.id(), "disconnected"));
  CHECK(f.log->count("received", connection.id()) == 1);
  CHECK(f.log->of(connection.id()).back() == "disconnected message_too_large");
  CHECK(client->at_end());
  CHECK(other->send("x"));
  CHECK(f.log->wait_for(connection_of_other.id(), "received x"));
}

PORT_TEST_CASE("a max_message_size that the system does not grant fails at start") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = size_t{1} << 30;
  auto ready = f.context().spawn_server(options).start();
  REQUIRE_FALSE(ready);
  INFO(describe(ready.error()));
  CHECK(code_of(ready.error()) == errc::invalid_option);
}

PORT_TEST_CASE("byte mode has no limit on a write") {
  port_fixture f{port};
  auto options = f.options();
  options.mode = pipe_mode::byte;
  options.message_buffer_size = 10'000;
  std::atomic<size_t> longest{0};
  script todo;
  todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
    longest = std::max(longest.load(), data.size());
  };
  auto server = f.serve(options, taker::session, todo);
  auto [client, connection] = f.connect_and_wait(server);
  auto all = pattern(9'000'000);
  connection.async_write(payload{all}, cookie::of(1));
  CHECK((client->receive_bytes(all.size()) == all));
  CHECK(f.log->wait_for("sent [1]"));
  CHECK(server.ready.max_message_size == 0);
  // And a read returns no more than the buffer.
  CHECK(client->send(pattern(100'000)));
  client->close();
  CHECK(f.log->wait_for("disconnected"));
  CHECK(longest > 0);
  CHECK(longest <= 10'000);
}
