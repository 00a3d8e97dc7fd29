// Who may be at the other end, on either side. Clients and servers of other users exist on the
// simulated port; tests/integration has them as processes.

#include "contract/fixture.hpp"

using namespace contract;

namespace {

constexpr int64_t nobody = 4'000'000;

/// Returns whether a client of that user is served.
bool is_served(port_fixture& f, const running_server& server, int64_t uid, int64_t gid,
               std::vector<int64_t> groups = {}) {
  auto client = f.connect_as(server, uid, gid, std::move(groups));
  REQUIRE(client != nullptr);
  client->send("are you there?");
  return client->receive() == "are you there?";
}

bool has_other_users(const port_fixture& f) {
  return f.kind() == port_kind::simulated;
}

/// Returns whether users and groups are numbers: not on Windows.
bool has_user_ids() {
  return this_process().uid >= 0;
}

/// Hears the events of outgoing connections.
caf::behavior client_handler(caf::event_based_actor*, const log_writer& log) {
  return event_handlers([=](const connected& e) { log.add(e.connection.id(), "connected"); },
                        [=](const connect_failed& e) {
                          log.add(e.connection_id, describe(e.error));
                        },
                        [=](const message_received& e) {
                          log.add(e.connection.id(), "received " + std::string{e.data.text()});
                        },
                        [=](const message_failed& e) {
                          log.add(e.connection.id(), "failed " + to_string(code_of(e.error)));
                        },
                        [=](const disconnected& e) {
                          log.add(e.connection_id, "disconnected " + to_string(code_of(e.reason)));
                        },
                        [=](const std::string& text) { log.add(0, text); });
}

} // namespace

// -- servers ----------------------------------------------------------------------------------

TEST_CASE("a server serves this process's user and root whatever its access is") {
  port_fixture f;
  auto access = GENERATE(pipe_access::owner(), pipe_access::group(), pipe_access::everyone(),
                         pipe_access::list({"4000001", "@4000001"}));
  CAPTURE(to_string(access));
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(access), each_taker(), log, echo());
  auto client = f.connect(server); // root's where simulated
  CHECK(client->send("hello"));
  CHECK(client->receive() == "hello");
  auto self = this_process();
  if (has_other_users(f) && has_user_ids())
    CHECK(is_served(f, server, self.uid, nobody));
}

TEST_CASE("access everyone serves every user") {
  port_fixture f;
  if (!has_other_users(f))
    return;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(pipe_access::everyone()), each_taker(), log, echo());
  CHECK(is_served(f, server, nobody, nobody));
  CHECK(is_served(f, server, -1, -1));
}

TEST_CASE("access group serves its members and refuses others") {
  port_fixture f;
  if (!has_other_users(f))
    return;
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(pipe_access::group("50")), each_taker(), log, echo());
  CHECK(is_served(f, server, nobody, 50));
  CHECK(is_served(f, server, nobody, nobody, {7, 50}));
  CHECK_FALSE(is_served(f, server, nobody, nobody, {7}));
  CHECK_FALSE(is_served(f, server, 50, nobody));
  CHECK(log->wait_for("disconnected access_denied", 2));
}

TEST_CASE("access by list serves those listed and refuses others") {
  port_fixture f;
  if (!has_other_users(f))
    return;
  auto log = std::make_shared<event_log>();
  auto access = pipe_access::list({"4000001", "@50"});
  auto server = f.serve(f.options(access), each_taker(), log, echo());
  CHECK(is_served(f, server, 4'000'001, nobody));
  CHECK(is_served(f, server, nobody, 50));
  CHECK(is_served(f, server, nobody, nobody, {50}));
  CHECK_FALSE(is_served(f, server, nobody, 4'000'001));
  CHECK_FALSE(is_served(f, server, 50, nobody));
  CHECK(log->wait_for("disconnected access_denied", 2));
}

TEST_CASE("a refused client disturbs nobody and does not count as connected") {
  port_fixture f;
  if (!has_other_users(f))
    return;
  auto options = f.options();
  options.num_threads = GENERATE(1, 2);
  auto log = std::make_shared<event_log>();
  auto server = f.serve(options, taker::handler, log);
  auto client = f.connect(server);
  REQUIRE(log->wait_for("connected"));
  constexpr size_t count = 50;
  for (size_t i = 0; i < count; ++i) {
    auto stranger = f.connect_as_stranger(server);
    stranger->send("let me in");
    CHECK(stranger->at_end());
  }
  REQUIRE(log->wait_for("disconnected access_denied", count));
  CHECK(log->count("connected") == 1);
  CHECK(log->count("received") == 0);
  broadcast_result result;
  std::function<void(const broadcast_result&)> use = [&](const broadcast_result& x) { result = x; };
  CHECK_FALSE(f.ask(server.server.actor(), async_broadcast{payload{"news"}, {}}, use));
  CHECK((result.sent == 1 && result.failed == 0));
  CHECK(client->receive() == "news");
}

TEST_CASE("a name in access that nobody has is an error at start") {
  port_fixture f;
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

TEST_CASE("a client refuses a server that it does not trust, and sends it nothing") {
  port_fixture f;
  if (!f.become_server_of(nobody, nobody, {7}))
    return;
  client_options options;
  options.trusted_servers = GENERATE(pipe_access::owner(), pipe_access::group("50"),
                                     pipe_access::list({"4000001", "@50"}));
  CAPTURE(to_string(options.trusted_servers));
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, log);
  auto mine = std::make_shared<event_log>();
  auto handler = f.ended_with_system(f.system().spawn(client_handler, log_writer{mine}));
  auto manager = f.context().spawn_client_manager(options, handler);
  auto connection = manager.connect(server.ready.address);
  REQUIRE(connection);
  connection->async_write(payload{"secret"});
  REQUIRE(mine->wait_for("access_denied"));
  // It may have been refused before the write came.
  REQUIRE(mine->wait_for("failed"));
  auto all = mine->all();
  CHECK(std::any_of(all.begin(), all.end(), [](const std::string& line) {
    return line.find("pid 4711, uid 4000000") != std::string::npos;
  }));
  CHECK(mine->count("connected") + mine->count("disconnected") == 0);
  CHECK_FALSE(connection->is_connected());
  REQUIRE(log->wait_for("disconnected"));
  CHECK(log->count("received") == 0);
}

TEST_CASE("a client trusts this process's user, root, and whom trusted_servers lists") {
  port_fixture f;
  client_options options;
  SECTION("this process's user") {}
  SECTION("root") {
    if (!f.become_server_of(0, nobody))
      return;
  }
  SECTION("everyone") {
    if (!f.become_server_of(nobody, nobody))
      return;
    options.trusted_servers = pipe_access::everyone();
  }
  SECTION("a listed user") {
    if (!f.become_server_of(nobody, nobody))
      return;
    options.trusted_servers = pipe_access::list({"4000000"});
  }
  SECTION("a member of a group") {
    if (!f.become_server_of(nobody, nobody, {7, 50}))
      return;
    options.trusted_servers = pipe_access::group("50");
  }
  auto log = std::make_shared<event_log>();
  auto server = f.serve(f.options(), taker::session, log, echo());
  auto mine = std::make_shared<event_log>();
  auto handler = f.ended_with_system(f.system().spawn(client_handler, log_writer{mine}));
  auto manager = f.context().spawn_client_manager(options, handler);
  auto connection = manager.connect(server.ready.address);
  REQUIRE(connection);
  connection->async_write(payload{"hello"});
  CHECK(mine->wait_for("received hello"));
}

TEST_CASE("a name in trusted_servers that nobody has is an error when it connects") {
  port_fixture f;
  client_options options;
  options.trusted_servers = pipe_access::list({"no-such-user"});
  auto connection = f.context().spawn_client_manager(options).connect("contract-any");
  REQUIRE_FALSE(connection);
  CHECK(code_of(connection.error()) == errc::invalid_option);
  CHECK(describe(connection.error()).find("no-such-user") != std::string::npos);
}
