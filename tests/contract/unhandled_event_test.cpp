// Events that nobody handles.

#include "contract/fixture.hpp"

#include <iostream>

using namespace contract;

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

PORT_TEST_CASE("an event that a handler does not handle prints nothing") {
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
    // CAF prints this message, which has no handler. Anything that was printed before is there
    // then.
    caf::anon_send(careless, std::string{"complain"});
    complained = output.wait_for("complain");
    printed = output.text();
  }
  CHECK(complained);
  CHECK(printed.find("pipeactor") == std::string::npos);
  CHECK(printed.find("client_") == std::string::npos);
}

PORT_TEST_CASE("a handler without handlers for some events prints nothing for them") {
  port_fixture f{port};
  auto handler = f.spawn([log = f.log]() -> caf::behavior {
    return {[=](const client_disconnected&) { log->add(0, "disconnected"); }};
  });
  auto options = f.options();
  std::string printed;
  auto complained = false;
  {
    captured_output output;
    auto server = f.started(f.context().spawn_server(options, handler), options);
    for (size_t round = 1; round <= 3; ++round) {
      auto client = f.connect(server);
      CHECK(client->send("x"));
      client->close();
      REQUIRE(f.log->wait_for("disconnected", round));
    }
    // All other messages are still printed.
    caf::anon_send(handler, std::string{"complain"});
    complained = output.wait_for("complain");
    printed = output.text();
  }
  CHECK(complained);
  CHECK(printed.find("pipeactor") == std::string::npos);
  caf::anon_send_exit(handler, caf::exit_reason::user_shutdown);
}

PORT_TEST_CASE("a handler's own default handler takes the events that it does not handle") {
  port_fixture f{port};
  auto handler = f.spawn([log = f.log](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler([=](caf::scheduled_actor*, caf::message_view& message) {
      log->add(0, caf::to_string(message.content()));
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    return {[](int) {}};
  });
  auto options = f.options();
  auto server = f.started(f.context().spawn_server(options, handler), options);
  auto client = f.connect(server);
  CHECK(f.log->wait_for("(pipeactor::server_ready"));
  CHECK(f.log->wait_for("(pipeactor::client_connected"));
  // The errors that it returns come back to server and connection, and end neither.
  CHECK(client->send("x"));
  CHECK(f.log->wait_for("(pipeactor::client_message_received"));
  CHECK(client->send("y"));
  CHECK(f.log->wait_for("(pipeactor::client_message_received", 2));
  CHECK(server.server.connections()->size() == 1);
  CHECK(f.log->all().size() == 4);
  caf::anon_send_exit(handler, caf::exit_reason::user_shutdown);
}
