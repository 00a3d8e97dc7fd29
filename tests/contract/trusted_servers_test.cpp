// Which servers a client trusts. Servers of other users exist on the simulated port;
// tests/integration has them as processes.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

constexpr int64_t nobody = 4'000'000;
constexpr int64_t somebody = 4'000'001;
constexpr int64_t some_group = 50;
constexpr int64_t other_group = 7;

/// Writes down the text of the error that a connection was refused with.
caf::behavior client_handler(caf::event_based_actor*, const log_writer& log) {
  return event_handlers([=](const connected& e) { log.add(e.connection.id(), "connected"); },
                        [=](const connect_failed& e) {
                          log.add(e.connection_id, describe(e.error));
                        },
                        [=](const message_failed& e) {
                          log.add(e.connection.id(), "failed " + to_string(code_of(e.error)));
                        },
                        [=](const disconnected& e) {
                          log.add(e.connection_id, "disconnected " + to_string(code_of(e.reason)));
                        });
}

} // namespace

PORT_TEST_CASE("a client refuses a server that it does not trust, and sends it nothing",
               needs::users) {
  port_fixture f{port};
  f.become_server_of(nobody, nobody, {other_group});
  client_options options;
  options.trusted_servers
    = GENERATE(pipe_access::owner(), pipe_access::group(std::to_string(some_group)),
               pipe_access::list({std::to_string(somebody), "@" + std::to_string(some_group)}));
  CAPTURE(to_string(options.trusted_servers));
  auto server = f.serve(f.options(), taker::session);
  auto handler = f.ended_with_system(f.system().spawn(client_handler, log_writer{f.client_log}));
  auto manager = f.context().spawn_client_manager(options, handler);
  auto connection = f.open(manager, server.ready.address);
  connection.async_write(payload{"secret"});
  REQUIRE(f.client_log->wait_for("access_denied"));
  // It may have been refused before the write came.
  REQUIRE(f.client_log->wait_for("failed"));
  auto all = f.client_log->all();
  auto who = "pid " + std::to_string(pid_of_clients) + ", uid " + std::to_string(nobody);
  CHECK(std::any_of(all.begin(), all.end(),
                    [&](const std::string& line) { return line.find(who) != std::string::npos; }));
  CHECK(f.client_log->count("connected") + f.client_log->count("disconnected") == 0);
  CHECK_FALSE(connection.is_connected());
  REQUIRE(f.log->wait_for("disconnected"));
  CHECK(f.log->count("received") == 0);
}

PORT_TEST_CASE("a client trusts a server of its own user") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto manager = f.manage({}, GENERATE(each_taker()));
  auto connection = f.open(manager, server.ready.address);
  connection.async_write(payload{"hello"});
  CHECK(f.client_log->wait_for("received hello"));
}

PORT_TEST_CASE("a client trusts servers of root and those that trusted_servers admits",
               needs::users) {
  port_fixture f{port};
  client_options options;
  SECTION("root") {
    f.become_server_of(0, nobody);
  }
  SECTION("everyone") {
    f.become_server_of(nobody, nobody);
    options.trusted_servers = pipe_access::everyone();
  }
  SECTION("a listed user") {
    f.become_server_of(nobody, nobody);
    options.trusted_servers = pipe_access::list({std::to_string(nobody)});
  }
  SECTION("a member of a group") {
    f.become_server_of(nobody, nobody, {other_group, some_group});
    options.trusted_servers = pipe_access::group(std::to_string(some_group));
  }
  auto server = f.serve(f.options(), taker::session, echo());
  auto manager = f.manage(options, taker::session);
  auto connection = f.open(manager, server.ready.address);
  connection.async_write(payload{"hello"});
  CHECK(f.client_log->wait_for("received hello"));
}

PORT_TEST_CASE("trusted_servers that name an unknown user are an error at connect") {
  port_fixture f{port};
  client_options options;
  options.trusted_servers = pipe_access::list({"no-such-user"});
  auto connection = f.context().spawn_client_manager(options).connect("contract-any");
  REQUIRE_FALSE(connection);
  CHECK(code_of(connection.error()) == errc::invalid_option);
  CHECK(describe(connection.error()).find("no-such-user") != std::string::npos);
}
