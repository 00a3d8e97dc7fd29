// Hosts that are not actors: callbacks on the thread that is in the message loop.

#include "contract/fixture.hpp"

#include <future>

using namespace contract;

namespace {

/// A loop over the fixture's context with one server, whose events are written down.
struct loop_host {
  explicit loop_host(port_fixture& f, server_options options, server_callbacks more = {})
      : loop(f.context()) {
    recorder record{log, {}};
    server_callbacks on;
#define RECORD_AND_CALL(event)                                                                     \
  on.event = [=](const pipeactor::event& e) {                                                      \
    record(e);                                                                                     \
    if (more.event)                                                                                \
      more.event(e);                                                                               \
  };
    PIPEACTOR_SERVER_EVENTS(RECORD_AND_CALL)
#undef RECORD_AND_CALL
    running = f.started(loop.spawn_server(options, on), options);
  }

  ~loop_host() {
    log->forget_connections();
  }

  /// Returns the line of the server's first event.
  std::string ready() const {
    return "ready " + running.options.pipe_name;
  }

  log_ptr log = std::make_shared<event_log>();
  message_loop loop;
  running_server running;
};

/// Returns callbacks that leave the loop at the end of a connection, and send messages back.
server_callbacks echo_until_the_end(message_loop*& loop) {
  server_callbacks on;
  on.client_message_received = [](const client_message_received& e) {
    e.connection.async_write(e.data);
  };
  on.client_disconnected = [&loop](const client_disconnected&) { loop->leave_message_loop(); };
  return on;
}

} // namespace

PORT_TEST_CASE("a message loop runs callbacks on the thread that is in it, in order") {
  port_fixture f{port};
  message_loop* loop = nullptr;
  loop_host host{f, f.options(), echo_until_the_end(loop)};
  loop = &host.loop;
  auto client = f.connect(host.running);
  std::vector<std::string> replies;
  std::thread user{[&] {
    for (auto* text : {"one", "two", "three"})
      if (client->send(text))
        replies.push_back(client->receive().value_or("nothing"));
    client->close();
  }};
  CHECK(host.loop.enter_message_loop(patience) == loop_end::left);
  user.join();
  CHECK(replies == lines{"one", "two", "three"});
  CHECK(host.log->count("sent") == 3);
  lines seen;
  for (auto& line : host.log->all())
    if (line != "sent")
      seen.push_back(line);
  CHECK(seen
        == lines{host.ready(), "connected", "received one", "received two", "received three",
                 "disconnected closed_by_peer"});
  CHECK(host.log->threads() == std::set<std::thread::id>{std::this_thread::get_id()});
}

PORT_TEST_CASE("a message loop is left from any thread") {
  port_fixture f{port};
  std::promise<void> inside;
  server_callbacks on;
  on.server_ready = [&](const server_ready&) { inside.set_value(); };
  loop_host host{f, f.options(), on};
  std::thread other{[&] {
    inside.get_future().wait();
    host.loop.leave_message_loop();
  }};
  CHECK(host.loop.enter_message_loop() == loop_end::left);
  other.join();
  CHECK(host.log->all() == lines{host.ready()});
}

PORT_TEST_CASE("a callback that leaves is the last one until the message loop is entered again") {
  port_fixture f{port};
  message_loop* loop = nullptr;
  server_callbacks on;
  on.client_message_received = [&](const client_message_received&) { loop->leave_message_loop(); };
  loop_host host{f, f.options(), on};
  loop = &host.loop;
  auto client = f.connect(host.running);
  for (int i = 0; i < 10; ++i)
    REQUIRE(client->send(std::to_string(i)));
  for (size_t i = 0; i < 10; ++i) {
    REQUIRE(host.loop.enter_message_loop(patience) == loop_end::left);
    REQUIRE(host.log->count("received") == i + 1);
    REQUIRE(host.log->all().back() == "received " + std::to_string(i));
  }
}

PORT_TEST_CASE("a message loop that is left before it is entered returns at once, and once") {
  port_fixture f{port};
  loop_host host{f, f.options()};
  host.loop.leave_message_loop();
  host.loop.leave_message_loop();
  CHECK(host.loop.enter_message_loop() == loop_end::left);
  CHECK(host.log->all().empty());
  CHECK(host.loop.enter_message_loop(0ms) == loop_end::timed_out);
  CHECK(host.log->all() == lines{host.ready()});
}

PORT_TEST_CASE("a message loop runs what waits, whatever its timeout, and then returns in time") {
  port_fixture f{port};
  loop_host host{f, f.options()};
  CHECK(host.loop.enter_message_loop(0ms) == loop_end::timed_out);
  CHECK(host.log->all() == lines{host.ready()});
  CHECK(host.loop.enter_message_loop(20ms) == loop_end::timed_out);
  CHECK_FALSE(host.running.server.stop());
  for (int i = 0; i < 100; ++i) {
    REQUIRE(host.running.server.start());
    CHECK_FALSE(host.running.server.stop());
  }
  CHECK(host.loop.enter_message_loop(-1ms) == loop_end::timed_out);
  CHECK(host.log->all() == lines(101, host.ready()));
  host.loop.leave_message_loop();
  CHECK(host.loop.enter_message_loop(std::chrono::milliseconds::max()) == loop_end::left);
}

PORT_TEST_CASE(
  "events wait while no thread is in the message loop, and reading their client pauses") {
  port_fixture f{port};
  auto options = f.options();
  options.read_queue_messages = 16;
  message_loop* loop = nullptr;
  loop_host host{f, options, echo_until_the_end(loop)};
  loop = &host.loop;
  auto client = f.connect(host.running);
  constexpr size_t most = 200'000;
  auto count = f.send_until_blocked(*client, pattern(1000), most);
  CHECK(count < most);
  CHECK(host.log->all().empty());
  std::vector<std::string> replies;
  std::thread user{[&] {
    replies = client->receive_many(count);
    client->close();
  }};
  CHECK(host.loop.enter_message_loop(patience) == loop_end::left);
  user.join();
  CHECK(replies == std::vector<std::string>(count, pattern(1000)));
}

PORT_TEST_CASE("an exception in a callback leaves the message loop, and no other event is lost") {
  port_fixture f{port};
  message_loop* loop = nullptr;
  auto on = echo_until_the_end(loop);
  on.client_message_received = [](const client_message_received& e) {
    if (e.data.text() == "2")
      throw std::runtime_error{"I do not like two"};
    e.connection.async_write(e.data);
  };
  loop_host host{f, f.options(), on};
  loop = &host.loop;
  auto client = f.connect(host.running);
  for (auto* text : {"1", "2", "3"})
    REQUIRE(client->send(text));
  CHECK_THROWS_WITH(host.loop.enter_message_loop(patience), "I do not like two");
  std::vector<std::string> replies;
  std::thread user{[&] {
    replies = client->receive_many(2);
    client->close();
  }};
  CHECK(host.loop.enter_message_loop(patience) == loop_end::left);
  user.join();
  CHECK(replies == lines{"1", "3"});
  CHECK(host.log->count("received") == 3);
}

PORT_TEST_CASE("neither a second thread nor a callback may enter a message loop") {
  port_fixture f{port};
  message_loop* loop = nullptr;
  std::vector<loop_end> seen;
  server_callbacks on;
  on.server_ready = [&](const server_ready&) {
    seen.push_back(loop->enter_message_loop());
    std::thread other{[&] { seen.push_back(loop->enter_message_loop(patience)); }};
    other.join();
    loop->leave_message_loop();
  };
  loop_host host{f, f.options(), on};
  loop = &host.loop;
  CHECK(host.loop.enter_message_loop(patience) == loop_end::left);
  CHECK(seen == std::vector<loop_end>(2, loop_end::already_entered));
  CHECK(to_string(seen.front()) == "already_entered");
  // Another thread may enter when it is free.
  std::thread other{[&] { seen.push_back(host.loop.enter_message_loop(0ms)); }};
  other.join();
  CHECK(seen.back() == loop_end::timed_out);
}

PORT_TEST_CASE("a callback writes with a cookie, closes a connection, stops a server") {
  port_fixture f{port};
  message_loop* loop = nullptr;
  named_pipe_server server;
  caf::error stopped;
  server_callbacks on;
  on.client_message_received = [&](const client_message_received& e) {
    e.connection.async_write(payload{"bye"}, cookie::of(7));
  };
  on.client_message_sent = [&](const client_message_sent& e) { e.connection.async_close(); };
  on.client_disconnected = [&](const client_disconnected&) {
    stopped = server.stop(patience);
    loop->leave_message_loop();
  };
  loop_host host{f, f.options(), on};
  loop = &host.loop;
  server = host.running.server;
  auto client = f.connect(host.running);
  REQUIRE(client->send("hello"));
  CHECK(host.loop.enter_message_loop(patience) == loop_end::left);
  CHECK_FALSE(stopped);
  CHECK(client->receive() == "bye");
  CHECK(client->at_end());
  CHECK(
    host.log->all()
    == lines{host.ready(), "connected", "received hello", "sent [7]", "disconnected closed_by_us"});
}

PORT_TEST_CASE("a message loop hosts clients as it hosts servers") {
  port_fixture f{port};
  message_loop* loop = nullptr;
  server_callbacks on;
  on.client_message_received = [](const client_message_received& e) {
    e.connection.async_write(e.data);
  };
  loop_host host{f, f.options(), on};
  loop = &host.loop;
  lines seen;
  client_callbacks mine;
  mine.connected = [&](const connected& e) {
    seen.emplace_back("connected");
    e.connection.async_write(payload{"ping"}, cookie::of(1));
  };
  mine.message_sent = [&](const message_sent& e) {
    seen.push_back("sent" + in_brackets(e.cookie));
  };
  mine.message_received = [&](const message_received& e) {
    seen.push_back("received " + std::string{e.data.text()});
    e.connection.async_close();
  };
  mine.disconnected = [&](const disconnected& e) {
    seen.push_back("disconnected " + to_string(code_of(e.reason)));
    e.connection.async_write(payload{"too late"});
  };
  mine.message_failed = [&](const message_failed& e) {
    seen.push_back("failed " + to_string(code_of(e.error)));
    loop->leave_message_loop();
  };
  mine.connect_failed = [&](const connect_failed& e) {
    seen.push_back("connect_failed " + to_string(code_of(e.error)));
    loop->leave_message_loop();
  };
  auto manager = host.loop.spawn_client_manager({}, mine);
  auto connection = manager.connect(host.running.options.pipe_name);
  REQUIRE(connection);
  CHECK(host.loop.enter_message_loop(patience) == loop_end::left);
  CHECK(seen
        == lines{"connected", "sent [1]", "received ping", "disconnected closed_by_us",
                 "failed not_connected"});
  seen.clear();
  auto nowhere = manager.connect(f.options().pipe_name);
  REQUIRE(nowhere);
  CHECK(host.loop.enter_message_loop(patience) == loop_end::left);
  CHECK(seen == lines{"connect_failed no_such_pipe"});
}

PORT_TEST_CASE("a message loop reports a connection that comes back by itself") {
  port_fixture f{port};
  message_loop loop{f.context()};
  named_pipe_server server;
  auto server_options = f.options();
  lines seen;
  client_callbacks on;
  on.reconnecting = [&](const reconnecting& e) {
    seen.push_back("reconnecting " + to_string(code_of(e.reason)));
    if (!server) {
      server = loop.spawn_server(server_options, {});
      CHECK(server.start(patience));
    }
  };
  on.connected = [&](const connected&) {
    seen.emplace_back("connected");
    loop.leave_message_loop();
  };
  client_options options;
  options.reconnect.emplace();
  options.reconnect->initial_delay = 1ms;
  auto connection = loop.spawn_client_manager(options, on).connect(server_options.pipe_name);
  REQUIRE(connection);
  CHECK(loop.enter_message_loop(patience) == loop_end::left);
  REQUIRE(seen.size() >= 2);
  CHECK(seen.front() == "reconnecting no_such_pipe");
  CHECK(seen.back() == "connected");
}

PORT_TEST_CASE("the end of a message loop closes what it made and runs no callback") {
  port_fixture f{port};
  auto options = f.options();
  auto held = std::make_shared<std::vector<named_pipe_connection>>();
  client_ptr client;
  {
    server_callbacks on;
    on.client_connected = [held](const client_connected& e) { held->push_back(e.connection); };
    loop_host host{f, options, on};
    client = f.connect(host.running);
    REQUIRE(client->send("nobody hears this"));
    // The loop ends with what waits in it.
  }
  CHECK(client->at_end());
  CHECK(held->empty());
  CHECK(held.use_count() == 1);
  loop_host next{f, options};
}

PORT_TEST_CASE("a message loop with a system of its own ends with live connections held") {
  context_options where;
  where.port = port;
  if (port == port_kind::simulated)
    where.make_port = simulated_ports(real_time_network());
  server_options options;
  options.pipe_name = unused_name();
  auto held = std::make_shared<std::vector<named_pipe_connection>>();
  {
    message_loop loop{where};
    server_callbacks on;
    on.client_connected = [=](const client_connected& e) {
      held->push_back(e.connection);
      e.connection.async_write(payload{"welcome"});
    };
    auto server = loop.spawn_server(options, on);
    auto ready = server.start(patience);
    REQUIRE(ready);
    client_callbacks mine;
    mine.message_received = [&](const message_received&) { loop.leave_message_loop(); };
    // A callback that holds the server, which holds its callbacks.
    mine.connected = [=](const connected& e) {
      held->push_back(e.connection);
      server.async_broadcast(payload{"another"});
    };
    auto manager = loop.spawn_client_manager({}, mine);
    auto mine_too = manager.connect(options.pipe_name);
    REQUIRE(mine_too);
    CHECK(loop.enter_message_loop(patience) == loop_end::left);
    CHECK(held->size() == 2);
    held = nullptr;
  }
}

PORT_TEST_CASE("a message loop takes the shortest timeout for none, and the longest for no end") {
  port_fixture f{port};
  std::promise<void> inside[2];
  size_t starts = 0;
  server_callbacks on;
  on.server_ready = [&](const server_ready&) { inside[starts++].set_value(); };
  loop_host host{f, f.options(), on};
  for (size_t round = 0; round < 2; ++round) {
    CHECK(host.loop.enter_message_loop(std::chrono::milliseconds::min()) == loop_end::timed_out);
    CHECK_FALSE(host.running.server.stop());
    REQUIRE(host.running.server.start());
    std::thread other{[&] {
      inside[1].get_future().wait();
      host.loop.leave_message_loop();
    }};
    CHECK(host.loop.enter_message_loop(std::chrono::milliseconds::max()) == loop_end::left);
    other.join();
    starts = 1;
    inside[1] = {};
  }
}
