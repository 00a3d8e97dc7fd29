// Options that a server starts with.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("options are read when a server starts") {
  port_fixture f{port};
  auto options = f.options();
  options.max_message_size = 1000;
  auto server = f.serve(options, taker::session);
  CHECK(server.ready.max_message_size == 1000);
  options.max_message_size = 5000;
  auto again = server.server.start();
  REQUIRE(again);
  CHECK(again->max_message_size == 1000);
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
