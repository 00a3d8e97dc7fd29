// Who outlives whom.

#include "contract/fixture.hpp"

#include <iostream>

using namespace contract;

PORT_TEST_CASE("destroying the context with live connections does not hang") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 3);
  auto server = f.serve(options, GENERATE(each_taker()));
  std::vector<client_ptr> clients;
  for (int i = 0; i < 6; ++i)
    clients.push_back(f.connect(server));
  REQUIRE(f.log->wait_for("connected", 6));
  // In the middle of things: writes that wait, and messages under way.
  for (size_t i = 0; i < 6; ++i) {
    f.log->connection(i).async_write(payload{pattern(1'000'000)}, cookie::of(1));
    clients[i]->send("x");
  }
  f.end_context();
  REQUIRE(f.log->wait_for("disconnected closed_by_us", 6));
  CHECK(f.log->count("sent") + f.log->count("failed") == 6);
  for (auto& client : clients) {
    client->receive_all();
    CHECK(client->at_end());
  }
}

PORT_TEST_CASE("what is still held answers not_connected when the context is gone") {
  port_fixture f{port};
  auto server = f.serve(f.options(), GENERATE(each_taker()));
  auto [client, connection] = f.connect_and_wait(server);
  f.end_context();
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK_FALSE(connection.is_connected());
  CHECK(code_of(f.ask(connection.actor(), async_write{payload{"x"}, cookie::of(1)}))
        == errc::not_connected);
  CHECK(f.log->wait_for("failed not_connected [1]"));
  CHECK_FALSE(f.ask(connection.actor(), async_close{}));
  CHECK_FALSE(server.server.start(500ms));
}

PORT_TEST_CASE("destroying context and system with live handles kept does not hang") {
  port_fixture f{port};
  // Never dropped: an actor of CAF that ends after its system reaches for the system's clock.
  static auto& kept = *new std::vector<named_pipe_connection>;
  static auto& kept_servers = *new std::vector<named_pipe_server>;
  auto client = [&] {
    auto server = f.serve(f.options(), GENERATE(each_taker()));
    kept_servers.push_back(server.server);
    auto [client, connection] = f.connect_and_wait(server);
    kept.push_back(connection);
    return client;
  }();
  f.end_system();
  CHECK(client->at_end());
  CHECK_FALSE(kept.back().is_connected());
  CHECK(kept.back().native_handle() == invalid_native_handle);
  CHECK(f.log->count("disconnected closed_by_us") == 1);
}

PORT_TEST_CASE("a context with a server that nobody started, or nobody holds, ends") {
  port_fixture f{port};
  f.context().spawn_server(f.options(), f.spawn_handler());
  auto options = f.options();
  auto ready = f.context().spawn_server(options, f.spawn_handler(echo())).start();
  REQUIRE(ready);
  // It runs although nobody holds it.
  auto client = f.connect({{}, *ready, options});
  CHECK(client->send("x"));
  CHECK(client->receive() == "x");
}

PORT_TEST_CASE("servers of one context share its bridges, and end one by one") {
  port_fixture f{port};
  auto one = f.serve(f.options(), taker::session, echo());
  auto two = f.serve(f.options(), taker::session, echo());
  auto client_of_one = f.connect(one);
  auto client_of_two = f.connect(two);
  CHECK_FALSE(one.server.stop());
  CHECK(client_of_one->at_end());
  CHECK(client_of_two->send("x"));
  CHECK(client_of_two->receive() == "x");
}

PORT_TEST_CASE("connections leave no session and no handle behind") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto before = open_handles();
  for (size_t round = 0; round < 100; ++round) {
    auto client = f.connect(server);
    REQUIRE(client->send("x"));
    REQUIRE(client->receive() == "x");
    f.log->forget_connections();
    client->close();
    REQUIRE(f.log->wait_for("session gone", round + 1));
  }
  CHECK(open_handles() <= before + handles_that_come);
}

PORT_TEST_CASE("a payload may be kept past its connection, its context and its system") {
  std::vector<payload> kept;
  auto size = GENERATE(size_t{10}, size_t{100'000});
  {
    port_fixture f{port};
    script todo;
    todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
      kept.push_back(data);
    };
    auto server = f.serve(f.options(), taker::session, todo);
    auto client = f.connect(server);
    for (unsigned i = 0; i < 5; ++i)
      CHECK(client->send(pattern(size, i)));
    REQUIRE(f.log->wait_for("received", 5));
  }
  REQUIRE(kept.size() == 5);
  for (unsigned i = 0; i < 5; ++i)
    CHECK((kept[i].text() == pattern(size, i)));
}

// -- what nobody handles --------------------------------------------------------------------------

namespace {

/// Takes what would go to stdout, from any thread.
class captured_output final : public std::streambuf {
public:
  captured_output() : previous_(std::cout.rdbuf(this)) {}

  ~captured_output() override {
    std::cout.rdbuf(previous_);
  }

  bool wait_for(const std::string& text) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience,
                             [&] { return text_.find(text) != std::string::npos; });
  }

  std::string text() {
    std::lock_guard guard{mutex_};
    return text_;
  }

protected:
  int_type overflow(int_type c) override {
    auto letter = static_cast<char>(c);
    xsputn(&letter, 1);
    return c;
  }

  std::streamsize xsputn(const char* data, std::streamsize size) override {
    std::lock_guard guard{mutex_};
    text_.append(data, static_cast<size_t>(size));
    changed_.notify_all();
    return size;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::streambuf* previous_;
};

} // namespace

PORT_TEST_CASE("a handler that has no use for an event prints nothing") {
  port_fixture f{port};
  auto handler = f.spawn([log = f.log]() -> caf::behavior {
    return event_handlers([=](const client_connected&) { log->add(0, "connected"); });
  });
  auto options = f.options();
  auto server = f.started(f.context().spawn_server(options, handler), options);
  auto careless = f.spawn([]() -> caf::behavior { return {[](int) {}}; });
  auto client = f.connect(server);
  REQUIRE(f.log->wait_for("connected"));
  std::string printed;
  auto complained = false;
  {
    captured_output output;
    client->send("x");
    auto connections = server.server.connections();
    for (auto& connection : *connections) {
      connection.async_write(payload{"y"});
      connection.async_read();
    }
    client->receive();
    client->close();
    server.server.stop();
    // What nobody handles is printed else, and in this order.
    caf::anon_send(careless, std::string{"complain"});
    complained = output.wait_for("complain");
    printed = output.text();
  }
  CHECK(complained);
  CHECK(printed.find("pipeactor") == std::string::npos);
  CHECK(printed.find("client_") == std::string::npos);
}
