// Cookies, which come back with the end of their operation.

#include "contract/fixture.hpp"

using namespace contract;

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
