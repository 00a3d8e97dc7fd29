// Sessions that throw.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

/// Throws at the place, and in the connection, that the case chooses.
class throwing_session final : public recording_session {
public:
  throwing_session(log_ptr log, std::string where, std::shared_ptr<std::atomic<int>> left)
      : recording_session(log), where_(std::move(where)), left_(std::move(left)) {
    act("construction");
  }

  void connected() override {
    recording_session::connected();
    // An argument more than it needs: see port_fixture::spawn.
    self().monitor(self().spawn([](int) -> caf::behavior { return {[](int) {}}; }, 0));
    act("connected");
  }

  void message_received(const pipeactor::cookie& cookie, const payload& data) override {
    recording_session::message_received(cookie, data);
    if (data.text() == "too long")
      async_write(payload{std::string(1001, 'x')});
    else
      async_write(data);
    act("received");
  }

  void message_sent(const pipeactor::cookie& cookie) override {
    recording_session::message_sent(cookie);
    act("sent");
  }

  void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override {
    recording_session::message_failed(cookie, error);
    act("failed");
  }

  void disconnected(const caf::error& reason) override {
    recording_session::disconnected(reason);
    act("disconnected");
  }

  void down(const caf::down_msg&) override {
    act("down");
  }

  caf::message_handler message_handlers() override {
    act("handlers");
    return {[this](int number) {
      act("own");
      return number;
    }};
  }

private:
  void act(const char* here) {
    if (where_ == here && (*left_)-- > 0)
      throw std::runtime_error{std::string{"thrown in "} + here};
  }

  std::string where_;
  std::shared_ptr<std::atomic<int>> left_;
};

} // namespace

PORT_TEST_CASE("an exception in a session closes that connection only") {
  port_fixture f{port};
  auto where = GENERATE(as<std::string>{}, "construction", "handlers", "connected", "received",
                        "sent", "failed", "down", "own", "disconnected");
  CAPTURE(where);
  auto options = f.options();
  options.max_message_size = 1000;
  // The first client's session throws, once.
  auto left = std::make_shared<std::atomic<int>>(1);
  auto server = f.serve<throwing_session>(options, f.log, where, left);
  auto client = f.connect(server);
  if (where == "received" || where == "sent") {
    CHECK(client->send("x"));
  } else if (where == "failed") {
    CHECK(client->send("too long"));
  } else if (where == "own") {
    auto answer = f.ask_for<int>(f.log->connection().actor(), 1);
    REQUIRE_FALSE(answer);
    CHECK(code_of(answer.error()) == errc::handler_failed);
    CHECK(describe(answer.error()).find("thrown in own") != std::string::npos);
  }
  if (where == "disconnected") {
    client->close();
  } else {
    // Perhaps with the echo of what made it throw.
    client->receive_all();
    CHECK(client->at_end());
  }
  if (where != "construction" && where != "handlers") {
    REQUIRE(f.log->wait_for("disconnected"));
    CHECK(f.log->count("disconnected handler_failed") == (where == "disconnected" ? 0 : 1));
  }
  // Others, now and later, are served.
  auto other = f.connect(server);
  CHECK(other->send("y"));
  CHECK(other->receive() == "y");
  CHECK_FALSE(server.server.stop());
}

PORT_TEST_CASE("an exception answers every pending cookie") {
  port_fixture f{port};
  script todo;
  todo.received = [](const named_pipe_connection&, const cookie&, const payload&) {
    throw 7; // not even a std::exception
  };
  auto server = f.serve(f.options(), taker::session, todo);
  auto [client, connection] = f.connect_and_wait(server);
  auto block = payload{pattern(30'000)};
  for (int i = 0; i < 100; ++i)
    connection.async_write(block, cookie::of(i));
  // The pipe is full: the rest waits.
  REQUIRE(f.log->wait_for("sent"));
  CHECK(client->send("x"));
  REQUIRE(f.log->wait_for("disconnected handler_failed"));
  CHECK(f.log->count("sent") + f.log->count("failed") == 100);
  CHECK(f.log->count("failed") > 0);
}

namespace {

/// Something to make a session of, and a switch that lets this fail.
struct fragile {
  explicit fragile(std::shared_ptr<std::atomic<bool>> broken) : broken(std::move(broken)) {}

  fragile(const fragile& other) : broken(other.broken) {
    if (*broken)
      throw std::runtime_error{"no copy today"};
  }

  std::shared_ptr<std::atomic<bool>> broken;
};

class fragile_session final : public recording_session {
public:
  fragile_session(const log_ptr& log, fragile, std::shared_ptr<std::atomic<bool>> broken)
      : recording_session(log, echo()), broken_(std::move(broken)) {}

  caf::message_handler message_handlers() override {
    if (*broken_)
      throw 7;
    return {};
  }

private:
  std::shared_ptr<std::atomic<bool>> broken_;
};

} // namespace

PORT_TEST_CASE("a session that cannot be made costs its client only") {
  port_fixture f{port};
  auto what = GENERATE(as<std::string>{}, "argument", "factory", "nothing", "handlers");
  CAPTURE(what);
  auto broken = std::make_shared<std::atomic<bool>>(false);
  auto never = std::make_shared<std::atomic<bool>>(false);
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto factory = [=, log = f.log]() -> std::unique_ptr<session> {
    if (*broken && what == "factory")
      throw std::runtime_error{"no session today"};
    if (*broken && what == "nothing")
      return nullptr;
    return std::make_unique<recording_session>(log, echo());
  };
  auto server = what == "argument"
                  ? f.serve<fragile_session>(options, f.log, fragile{broken}, never)
                : what == "handlers"
                  ? f.serve<fragile_session>(options, f.log, fragile{never}, broken)
                  : f.started(f.context().spawn_session_server(options, factory), options);
  auto is_served = [](test_client& client, const std::string& text) {
    return client.send(text) && client.receive() == text;
  };
  std::vector<client_ptr> others;
  for (size_t round = 0; round < 3; ++round) {
    others.push_back(f.connect(server));
    CHECK(is_served(*others.back(), "before"));
    *broken = true;
    for (int i = 0; i < 3; ++i)
      CHECK(f.connect(server)->at_end());
    *broken = false;
    for (auto& other : others)
      CHECK(is_served(*other, "after"));
  }
  auto connections = server.server.connections();
  REQUIRE(connections);
  CHECK(connections->size() == others.size());
  connections->clear();
  CHECK_FALSE(server.server.stop());
  for (auto& other : others)
    CHECK(other->at_end());
  CHECK(f.log->count("connected") == others.size());
  CHECK(f.log->count("disconnected closed_by_us") == others.size());
}

PORT_TEST_CASE("a session's destructor may send, and its other functions do nothing there") {
  class leaving_session final : public recording_session {
  public:
    leaving_session(const log_ptr& log, caf::actor other)
        : recording_session(log), other_(std::move(other)) {
      // There is no connection yet.
      async_write(payload{"constructed"});
      if (connection())
        note("a connection in the constructor");
    }

    ~leaving_session() override {
      async_write(payload{"destroyed"}, cookie::of(1));
      async_read(cookie::of(2));
      close_after_drain();
      async_close();
      fail("destroyed");
      if (connection() || self().actor())
        note("a connection in the destructor");
      self().send(other_, std::string{"bye"});
    }

  private:
    caf::actor other_;
  };
  port_fixture f{port};
  auto other = f.ended_with_system(
    f.system().spawn(recording_handler, log_writer{f.log}, script{}));
  auto server = f.serve<leaving_session>(f.options(), f.log, other);
  for (size_t round = 1; round <= 3; ++round) {
    auto client = f.connect(server);
    REQUIRE(f.log->connection(0));
    client->close();
    REQUIRE(f.log->wait_for("disconnected", round));
    f.log->forget_connections();
    REQUIRE(f.log->wait_for("bye", round));
  }
  auto client = f.connect(server);
  REQUIRE(f.log->connection(0));
  f.end_context();
  f.log->forget_connections();
  REQUIRE(f.log->wait_for("bye", 4));
  CHECK(client->at_end());
  CHECK(f.log->count("a connection in") == 0);
  CHECK(f.log->count("failed") == 0);
}
