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

PORT_TEST_CASE("cookies come back exactly once around an exit message, and after the actor's end") {
  port_fixture f{port};
  auto who = GENERATE(each_taker());
  auto server = f.serve(f.options(), who);
  for (size_t round = 0; round < 3; ++round) {
    auto [client, connection] = f.connect_and_wait(server, round);
    auto write = [c = connection](int from) {
      for (int i = from; i < from + 10; ++i)
        c.async_write(payload{"x"}, cookie::of(i));
    };
    f.self()->monitor(connection.actor());
    write(0);
    caf::anon_send_exit(connection.actor(), caf::exit_reason::user_shutdown);
    write(10);
    auto ended = false;
    f.self()->receive([&](const caf::down_msg&) { ended = true; }, caf::after(patience) >> [] {});
    REQUIRE(ended);
    write(20);
    // A session ends with its actor: what comes later has nobody to go to.
    auto surely = who == taker::handler ? 30 : 10;
    auto count = [&, id = connection.id()](int i) {
      auto suffix = " [" + std::to_string(i) + "]";
      return f.log->count("sent" + suffix, id)
             + f.log->count("failed operation_aborted" + suffix, id)
             + f.log->count("failed not_connected" + suffix, id);
    };
    if (who == taker::handler)
      REQUIRE(f.log->wait_for(connection.id(), "failed not_connected [29]"));
    for (int i = 0; i < 30; ++i)
      if (count(i) > 1 || (count(i) == 0 && i < surely))
        FAIL_CHECK("cookie " << i << " came back " << count(i) << " times");
    CHECK(f.log->count("disconnected closed_by_us", connection.id()) == 1);
  }
}
