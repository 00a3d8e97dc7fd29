// Finding servers without disturbing them.

#include "contract/fixture.hpp"

using namespace contract;

using names = std::vector<std::string>;

PORT_TEST_CASE("find_named_pipes finds live servers that match, sorted, and none that stopped",
               needs::discovery) {
  port_fixture f{port};
  auto prefix = f.options().pipe_name;
  std::vector<running_server> servers;
  for (auto suffix : {"b", "a", "cc"}) {
    auto options = f.options();
    options.pipe_name = prefix + suffix;
    servers.push_back(f.serve(options, taker::session));
  }
  auto manager = f.context().spawn_client_manager({});
  auto find = [&](const std::string& pattern) {
    auto found = manager.find_named_pipes(pattern);
    return found ? *found : names{describe(found.error())};
  };
  CHECK(find(prefix + "*") == names{prefix + "a", prefix + "b", prefix + "cc"});
  CHECK(find(prefix + "?") == names{prefix + "a", prefix + "b"});
  CHECK(find("*" + prefix.substr(3) + "c*") == names{prefix + "cc"});
  CHECK(find(prefix + "a") == names{prefix + "a"});
  CHECK(find(prefix).empty());
  auto all = manager.find_named_pipes();
  REQUIRE(all);
  CHECK(std::count(all->begin(), all->end(), prefix + "a") == 1);
  CHECK_FALSE(servers[1].server.stop());
  CHECK(find(prefix + "*") == names{prefix + "b", prefix + "cc"});
}

PORT_TEST_CASE("find_named_pipes disturbs no server", needs::discovery) {
  port_fixture f{port};
  auto options = f.options();
  auto server = f.serve(options, taker::handler, echo());
  auto manager = f.context().spawn_client_manager({});
  for (int i = 0; i < 20; ++i)
    CHECK(*manager.find_named_pipes(options.pipe_name) == names{options.pipe_name});
  auto [client, connection] = f.connect_and_wait(server);
  CHECK(client->send("only me"));
  CHECK(client->receive() == "only me");
  CHECK(f.log->wait_for("sent"));
  // Nobody else has ever been there.
  CHECK(f.log->all()
        == lines{"ready " + options.pipe_name, "connected", "received only me", "sent"});
}

PORT_TEST_CASE("actors may send find_named_pipes, many at once", needs::discovery) {
  port_fixture f{port};
  auto options = f.options();
  auto server = f.serve(options, taker::session);
  auto manager = f.context().spawn_client_manager({});
  std::atomic<int> right{0};
  auto asker = f.spawn([&, manager](caf::event_based_actor* self) -> caf::behavior {
    for (int i = 0; i < 100; ++i)
      self->request(manager.actor(), patience, find_named_pipes{options.pipe_name})
        .then([&](const names& found) { right += found == names{options.pipe_name}; });
    return {[](const std::string&) {}};
  });
  f.ended_with_system(asker);
  // Requests are answered in any order: this thread's own last.
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (right < 100 && std::chrono::steady_clock::now() < deadline)
    CHECK(manager.find_named_pipes());
  CHECK(right == 100);
}

PORT_TEST_CASE("find_named_pipes is answered even after the context has ended") {
  port_fixture f{port};
  auto manager = f.context().spawn_client_manager({});
  f.end_context();
  auto found = manager.find_named_pipes();
  REQUIRE_FALSE(found);
  CHECK(code_of(found.error()) != errc::timed_out);
}
