// Which thread runs what.

#include "contract/fixture.hpp"

#include "port/completion_port.hpp"

using namespace contract;

namespace {

/// Notes when two of its handlers run at once.
class watched_session final : public recording_session {
public:
  watched_session(log_ptr log, std::atomic<int>* overlaps)
      : recording_session(log, echo()), overlaps_(overlaps) {}

  void message_received(const pipeactor::cookie& cookie, const payload& data) override {
    watch([&] { recording_session::message_received(cookie, data); });
  }

  void message_sent(const pipeactor::cookie& cookie) override {
    watch([&] { recording_session::message_sent(cookie); });
  }

  void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
    watch([&] { recording_session::message_failed(cookie, error); });
  }

  caf::message_handler message_handlers() override {
    return {[this](int number) {
      watch([&] { note("own " + std::to_string(number)); });
      return number + 1;
    }};
  }

private:
  template <class F>
  void watch(F body) {
    if (running_.exchange(true))
      ++*overlaps_;
    body();
    running_ = false;
  }

  std::atomic<int>* overlaps_;
  std::atomic<bool> running_{false};
};

} // namespace

PORT_TEST_CASE("all handlers of a connection run on its bridge's thread, one at a time") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  options.max_message_size = 1000;
  std::atomic<int> overlaps{0};
  auto server = f.serve<watched_session>(options, f.log, &overlaps);
  auto [client, connection] = f.connect_and_wait(server);
  constexpr int count = 200;
  // Own messages, refused and real writes from several actors, while the client talks.
  for (int k = 0; k < 3; ++k)
    caf::anon_send(f.spawn([]() -> caf::behavior {
      return {[](const named_pipe_connection& to) {
        for (int i = 0; i < count; ++i) {
          caf::anon_send(to.actor(), i);
          to.async_write(payload{std::string(1001, 'x')}); // refused
          to.async_write(payload{"w"});
        }
      }};
    }),
                   connection);
  std::thread reader{[&, c = client] { c->receive_many(4 * count); }};
  for (int i = 0; i < count; ++i)
    REQUIRE(client->send("m"));
  reader.join();
  REQUIRE(f.log->wait_for("own", 3 * count));
  REQUIRE(f.log->wait_for("failed", 3 * count));
  REQUIRE(f.log->wait_for("sent", 4 * count));
  CHECK(overlaps == 0);
  CHECK(f.log->threads(connection.id()).size() == 1);
}

PORT_TEST_CASE("ordinary actors woken from a bridge run on the scheduler and not on the bridge") {
  port_fixture f{port};
  auto elsewhere = std::make_shared<event_log>();
  auto plain = f.spawn([elsewhere](caf::event_based_actor* self) -> caf::behavior {
    return {[=](const named_pipe_connection& to) {
              elsewhere->add(0, "woken");
              // A timer and a request of its own, too.
              self->delayed_send(self, 1ms, to, 1);
            },
            [=](const named_pipe_connection& to, int) {
              elsewhere->add(0, "timer");
              self->request(to.actor(), patience, async_write{payload{"x"}, {}}).then([=] {
                elsewhere->add(0, "answered");
              });
            }};
  });
  f.ended_with_system(plain);
  script todo;
  todo.received = [plain](const named_pipe_connection& c, const cookie&, const payload&) {
    caf::anon_send(plain, c);
  };
  auto server = f.serve(f.options(), taker::session, todo);
  auto client = f.connect(server);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(client->send("m"));
    REQUIRE(client->receive() == "x");
  }
  REQUIRE(elsewhere->wait_for("answered", 100));
  REQUIRE(f.log->wait_for("sent", 100));
  auto bridge = f.log->threads(f.log->connection().id());
  REQUIRE(bridge.size() == 1);
  CHECK(elsewhere->threads().count(*bridge.begin()) == 0);
}

PORT_TEST_CASE("a marshalled handler runs off the bridge, one event at a time") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = 2;
  std::atomic<int> running{0};
  std::atomic<int> overlaps{0};
  script todo;
  todo.received = [&](const named_pipe_connection& c, const cookie&, const payload& data) {
    overlaps += running++ > 0;
    c.async_write(data);
    --running;
  };
  auto server = f.serve(options, taker::handler, todo);
  auto events = std::make_shared<event_log>();
  auto bridges = f.serve<recording_session>(f.options(), events, echo());
  std::vector<client_ptr> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(f.connect(server));
    clients.push_back(f.connect(bridges));
  }
  for (int round = 0; round < 50; ++round) {
    for (auto& client : clients)
      REQUIRE(client->send("m"));
    for (auto& client : clients)
      REQUIRE(client->receive() == "m");
  }
  f.end_context();
  CHECK(overlaps == 0);
  CHECK_FALSE(events->threads().empty());
  for (auto& thread : events->threads())
    CHECK(f.log->threads().count(thread) == 0);
}

PORT_TEST_CASE("several bridges share the accepted connections") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(size_t{1}, size_t{2}, size_t{3});
  auto server = f.serve(options, taker::session, echo());
  std::vector<client_ptr> clients;
  for (size_t i = 0; i < 2 * options.num_threads; ++i) {
    clients.push_back(f.connect(server));
    // One after the other, so that each bridge has told how many it has.
    REQUIRE(f.log->wait_for("connected", i + 1));
  }
  for (auto& client : clients) {
    CHECK(client->send("x"));
    CHECK(client->receive() == "x");
  }
  std::map<std::thread::id, int> per_thread;
  for (size_t i = 0; i < clients.size(); ++i) {
    auto threads = f.log->threads(f.log->connection(i).id());
    REQUIRE(threads.size() == 1);
    ++per_thread[*threads.begin()];
  }
  CHECK(per_thread.size() == options.num_threads);
  for (auto& [thread, count] : per_thread)
    CHECK(count == 2);
}

PORT_TEST_CASE("functions that wait return would_block inside a handler on a bridge") {
  port_fixture f{port};
  auto other = f.serve_echo();
  auto manager = f.manage({}, taker::session);
  named_pipe_server server;
  auto loop = std::make_unique<message_loop>(f.context());
  auto looped = loop->spawn_server(f.options(), {});
  REQUIRE(looped.start());
  script todo;
  todo.received = [&](const named_pipe_connection& connection, const cookie&, const payload&) {
    auto count = 0;
    for (auto& x : {server, other.server, looped}) {
      count += code_of(x.stop()) == errc::would_block;
      auto ready = x.start();
      count += !ready && code_of(ready.error()) == errc::would_block;
      auto connections = x.connections();
      count += !connections && code_of(connections.error()) == errc::would_block;
      auto stats = x.stats();
      count += !stats && code_of(stats.error()) == errc::would_block;
    }
    auto opened = manager.connect(other.options.pipe_name);
    count += !opened && code_of(opened.error()) == errc::would_block;
    auto found = manager.find_named_pipes();
    count += !found && code_of(found.error()) == errc::would_block;
    count += code_of(manager.stop()) == errc::would_block;
    // Does not wait for its servers either.
    loop = nullptr;
    connection.async_write(payload{std::to_string(count)});
  };
  auto asked = f.serve(f.options(), taker::session, todo);
  server = asked.server;
  auto client = f.connect(asked);
  for (int round = 0; round < 3; ++round) {
    CHECK(client->send("ask"));
    CHECK(client->receive() == "15");
  }
  CHECK_FALSE(server.stop());
}

PORT_TEST_CASE(
  "a context that is destroyed inside a handler on its bridge ends in the background") {
  port_fixture f{port};
  for (size_t round = 1; round <= 3; ++round) {
    // Expires when all of the context is gone: its actor system must not end before.
    auto token = std::make_shared<int>();
    std::weak_ptr<int> gone = token;
    context_options settings;
    auto make = f.ports();
    settings.make_port = [token, make] { return make(); };
    token = nullptr;
    auto dying = std::make_unique<pipeactor::context>(f.system(), settings);
    settings = {};
    script todo;
    todo.received = [&](const named_pipe_connection&, const cookie&, const payload&) {
      dying = nullptr;
    };
    auto options = f.options();
    auto server = dying->spawn_server<recording_session>(options, f.log, todo);
    auto ready = server.start();
    REQUIRE(ready);
    auto [client, connection] = f.connect_and_wait({{}, *ready, options});
    CHECK(client->send("end"));
    CHECK(client->at_end());
    REQUIRE(f.log->wait_for("disconnected closed_by_us", round));
    connection = {};
    server = {};
    *ready = {};
    f.log->forget_connections();
    while (!gone.expired())
      f.let_bridge_turn();
    CHECK(dying == nullptr);
    CHECK(f.log->count("session gone") == round);
  }
}
