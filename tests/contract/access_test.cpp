// Which clients a server serves. Clients of other users exist on the simulated port;
// tests/integration has them as processes.

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
