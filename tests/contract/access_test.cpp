// Who may be at the other end, on either side. Clients and servers of other users exist on the
// simulated port; tests/integration has them as processes.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

constexpr int64_t nobody = 4'000'000;
constexpr int64_t somebody = 4'000'001;
constexpr int64_t some_group = 50;
constexpr int64_t other_group = 7;

const auto somebody_listed = std::to_string(somebody);
const auto some_group_listed = "@" + std::to_string(some_group);

/// Returns whether a client of that user is served.
bool is_served(port_fixture& f, const running_server& server, int64_t uid, int64_t gid,
               std::vector<int64_t> groups = {}) {
  auto client = f.connect_as(server, uid, gid, std::move(groups));
  client->send("are you there?");
  return client->receive() == "are you there?";
}

/// Hears the events of outgoing connections.
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

// -- servers ----------------------------------------------------------------------------------

PORT_TEST_CASE("a server serves its own user and root, whatever its access is") {
  port_fixture f{port};
  auto access = GENERATE(pipe_access::owner(), pipe_access::group(), pipe_access::everyone(),
                         pipe_access::list({somebody_listed, some_group_listed}));
  CAPTURE(to_string(access));
  auto server = f.serve(f.options(access), GENERATE(each_taker()), echo());
  auto client = f.connect(
    server); // of root on the simulated port, of this process's user elsewhere
  CHECK(client->send("hello"));
  CHECK(client->receive() == "hello");
}

PORT_TEST_CASE("a server serves its own user in any group", needs::users, needs::user_ids) {
  port_fixture f{port};
  auto access = GENERATE(pipe_access::owner(), pipe_access::group(), pipe_access::everyone(),
                         pipe_access::list({somebody_listed, some_group_listed}));
  CAPTURE(to_string(access));
  auto server = f.serve(f.options(access), GENERATE(each_taker()), echo());
  CHECK(is_served(f, server, this_process().uid, nobody));
}

PORT_TEST_CASE("access everyone serves every user", needs::users) {
  port_fixture f{port};
  auto server = f.serve(f.options(pipe_access::everyone()), GENERATE(each_taker()), echo());
  CHECK(is_served(f, server, nobody, nobody));
  CHECK(is_served(f, server, -1, -1));
}

PORT_TEST_CASE("access group serves its members and refuses others", needs::users) {
  port_fixture f{port};
  auto access = pipe_access::group(std::to_string(some_group));
  auto server = f.serve(f.options(access), GENERATE(each_taker()), echo());
  CHECK(is_served(f, server, nobody, some_group));
  CHECK(is_served(f, server, nobody, nobody, {other_group, some_group}));
  CHECK_FALSE(is_served(f, server, nobody, nobody, {other_group}));
  CHECK_FALSE(is_served(f, server, some_group, nobody));
  CHECK(f.log->wait_for("disconnected access_denied", 2));
}

PORT_TEST_CASE("access by list serves those listed and refuses others", needs::users) {
  port_fixture f{port};
  auto access = pipe_access::list({somebody_listed, some_group_listed});
  auto server = f.serve(f.options(access), GENERATE(each_taker()), echo());
  CHECK(is_served(f, server, somebody, nobody));
  CHECK(is_served(f, server, nobody, some_group));
  CHECK(is_served(f, server, nobody, nobody, {some_group}));
  CHECK_FALSE(is_served(f, server, nobody, somebody));
  CHECK_FALSE(is_served(f, server, some_group, nobody));
  CHECK(f.log->wait_for("disconnected access_denied", 2));
}

PORT_TEST_CASE("a refused client disturbs nobody and does not count as connected", needs::users) {
  port_fixture f{port};
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto server = f.serve(options, taker::handler);
  auto client = f.connect(server);
  REQUIRE(f.log->wait_for("connected"));
  constexpr size_t count = 50;
  for (size_t i = 0; i < count; ++i) {
    auto stranger = f.connect_as_stranger(server);
    stranger->send("let me in");
    CHECK(stranger->at_end());
  }
  REQUIRE(f.log->wait_for("disconnected access_denied", count));
  CHECK(f.log->count("connected") == 1);
  CHECK(f.log->count("received") == 0);
  auto result = f.ask_for<broadcast_result>(server.server.actor(),
                                            async_broadcast{payload{"news"}, {}});
  REQUIRE(result);
  CHECK(result->sent == 1);
  CHECK(result->failed == 0);
  CHECK(client->receive() == "news");
}

PORT_TEST_CASE("a name in access that nobody has is an error at start") {
  port_fixture f{port};
  auto [access, name] = GENERATE(
    table<pipe_access, std::string>({{pipe_access::group("no-such-group"), "no-such-group"},
                                     {pipe_access::list({"0", "no-such-user"}), "no-such-user"},
                                     {pipe_access::list({}), "names nobody"}}));
  auto ready = f.context().spawn_server(f.options(access)).start();
  REQUIRE_FALSE(ready);
  CHECK(code_of(ready.error()) == errc::invalid_option);
  CHECK(describe(ready.error()).find(name) != std::string::npos);
}

// -- clients ----------------------------------------------------------------------------------

PORT_TEST_CASE("a client refuses a server that it does not trust, and sends it nothing",
               needs::users) {
  port_fixture f{port};
  f.become_server_of(nobody, nobody, {other_group});
  client_options options;
  options.trusted_servers = GENERATE(pipe_access::owner(),
                                     pipe_access::group(std::to_string(some_group)),
                                     pipe_access::list({somebody_listed, some_group_listed}));
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

PORT_TEST_CASE("a client trusts a server of root, and of those in trusted_servers", needs::users) {
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

PORT_TEST_CASE("a name in trusted_servers that nobody has is an error when it connects") {
  port_fixture f{port};
  client_options options;
  options.trusted_servers = pipe_access::list({"no-such-user"});
  auto connection = f.context().spawn_client_manager(options).connect("contract-any");
  REQUIRE_FALSE(connection);
  CHECK(code_of(connection.error()) == errc::invalid_option);
  CHECK(describe(connection.error()).find("no-such-user") != std::string::npos);
}
