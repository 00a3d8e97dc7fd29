// Options that a server starts with.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("options are those that a server or client manager was made with") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = 1000;
  auto server = f.context().spawn_server<recording_session>(options, f.log);
  client_options clients;
  clients.mode = pipe_mode::byte;
  auto manager = f.context().spawn_client_manager<recording_session>(clients, f.client_log);
  // Both keep copies.
  auto name = std::exchange(options.pipe_name, unused_name());
  options.max_message_size = 5000;
  options.mode = pipe_mode::byte;
  clients.mode = pipe_mode::message;
  for (int round = 0; round < 3; ++round) {
    auto ready = server.start();
    REQUIRE(ready);
    CHECK(ready->max_message_size == 1000);
    auto same_mode = f.open(f.manage({}, taker::session), name);
    CHECK(f.client_log->wait_for(same_mode.id(), "connected"));
    auto other_mode = f.open(manager, name);
    CHECK(f.client_log->wait_for(other_mode.id(), "connect failed not_a_pipe"));
    CHECK(server.stop() == caf::none);
  }
}

PORT_TEST_CASE("a server cannot start without a pipe name") {
  port_fixture f{port};
  auto options = f.options();
  options.pipe_name.clear();
  auto ready = f.context().spawn_server(options).start();
  REQUIRE_FALSE(ready);
  CHECK(code_of(ready.error()) == errc::missing_pipe_name);
  CHECK(describe(ready.error()).find("cannot start without specifying a pipe name")
        != std::string::npos);
}

PORT_TEST_CASE("a server cannot start with an option out of range") {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = 1025;
  auto ready = f.context().spawn_server(options).start();
  REQUIRE_FALSE(ready);
  CHECK(code_of(ready.error()) == errc::invalid_option);
  CHECK(describe(ready.error()).find("num_threads") != std::string::npos);
}
