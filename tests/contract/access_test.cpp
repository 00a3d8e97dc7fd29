// Which clients a server serves. Clients of other users exist on the simulated port;
// tests/integration has them as processes.

#include "contract/fixture.hpp"
#include "contract/stepped_fixture.hpp"

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

} // namespace

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

PORT_TEST_CASE("an access list serves those that it names and refuses others", needs::users) {
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

PORT_TEST_CASE("the reason tells the process and the user of a refused client", needs::users) {
  port_fixture f{port};
  std::string text;
  script todo;
  todo.disconnected = [&](const named_pipe_connection&, const caf::error& reason) {
    text = describe(reason);
  };
  auto server = f.serve(f.options(), taker::handler, todo);
  auto client = f.connect_as_stranger(server);
  CHECK(client->at_end());
  REQUIRE(f.log->wait_for("disconnected access_denied"));
  CHECK(f.log->count("connected") == 0);
  CHECK(f.log->count("received") == 0);
  f.end_context();
  CHECK(text.find(std::to_string(pid_of_clients)) != std::string::npos);
  CHECK(text.find(std::to_string(stranger)) != std::string::npos);
}

PORT_TEST_CASE("access that names an unknown user or group is an error at start") {
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

PORT_TEST_CASE(
  "connections_per_user bounds the clients of a user, and one that leaves makes room") {
  port_fixture f{port};
  auto options = f.options();
  options.connections_per_user = 2;
  options.num_threads = GENERATE(1, 2);
  auto server = f.serve(options, GENERATE(each_taker()), echo());
  auto is_echoed = [](const client_ptr& client) {
    return client->send("hello") && client->receive() == "hello";
  };
  auto kept = f.connect(server);
  auto leaving = f.connect(server);
  CHECK(is_echoed(kept));
  CHECK(is_echoed(leaving));
  for (size_t round = 1; round <= 3; ++round) {
    CAPTURE(round);
    for (size_t count = 1; count <= 2; ++count) {
      auto refused = f.connect(server);
      CHECK(refused->at_end());
      CHECK(f.log->wait_for("disconnected too_many_connections", 2 * (round - 1) + count));
    }
    leaving = nullptr;
    CHECK(f.log->wait_for("disconnected closed_by_peer", round));
    leaving = f.connect(server);
    CHECK(is_echoed(leaving));
    CHECK(is_echoed(kept));
  }
  CHECK(f.log->count("connected") == 5);
}

PORT_TEST_CASE(
  "connections_per_user counts each user for itself, and those it does not know as one",
  needs::users) {
  port_fixture f{port};
  auto options = f.options(pipe_access::everyone());
  options.connections_per_user = 1;
  auto server = f.serve(options, taker::session, echo());
  for (size_t round = 1; round <= 3; ++round) {
    std::vector<client_ptr> clients;
    for (auto uid : {nobody, somebody, int64_t{-1}}) {
      CAPTURE(round, uid);
      clients.push_back(f.connect_as(server, uid, nobody));
      clients.back()->send("hello");
      CHECK(clients.back()->receive() == "hello");
      CHECK_FALSE(is_served(f, server, uid, somebody));
    }
    clients.clear();
    REQUIRE(f.log->wait_for("disconnected closed_by_peer", 3 * round));
  }
}

TEST_CASE("a killed connection, and a refused client, take nothing of connections_per_user") {
  stepped_fixture f;
  auto options = server_options{};
  options.pipe_name = "svc";
  options.connections_per_user = 1;
  auto server = f.serve(options, GENERATE(each_taker()));
  peer_identity root;
  root.uid = 0;
  peer_identity other;
  other.uid = nobody;
  for (size_t round = 1; round <= 3; ++round) {
    CAPTURE(round);
    // Of the user that has no access, and of one that has, but no room.
    auto [client, connection] = f.connect(options);
    for (auto& [who, why] :
         {std::pair{other, "access_denied"}, std::pair{root, "too_many_connections"}}) {
      auto refused = f.network()->connect("svc", pipe_mode::message, who);
      REQUIRE(refused);
      f.turn();
      CHECK((*refused)->at_end());
      CHECK(f.log->count(std::string{"disconnected "} + why) == round);
    }
    caf::anon_send_exit(connection.actor(), caf::exit_reason::kill);
    f.turn();
    CHECK(client->at_end());
    // A stop and a start give all back, too.
    if (round == 2) {
      auto [last, another] = f.connect(options);
      caf::anon_send(server.actor(), stop{});
      f.turn();
      f.ask_for<server_ready>(server.actor(), start{});
    }
  }
}
