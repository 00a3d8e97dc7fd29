// Clients that come in crowds, or leave at once.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("hundreds of connections of one client are served, and keep nobody else out") {
  port_fixture f{port};
  auto options = f.options();
  options.pending_instances = 4;
  auto server = f.serve(options, GENERATE(each_taker()), echo());
  // Windows counts a pipe's instances in a byte, and takes 255 for any number.
  constexpr size_t count = 300;
  std::vector<client_ptr> clients;
  for (size_t i = 0; i < count; ++i)
    clients.push_back(f.connect(server));
  for (size_t i = 0; i < count; ++i)
    REQUIRE(clients[i]->send(std::to_string(i)));
  for (size_t i = 0; i < count; ++i)
    REQUIRE(clients[i]->receive() == std::to_string(i));
  auto other = f.connect(server);
  CHECK(other->send("me too"));
  CHECK(other->receive() == "me too");
  clients.clear();
  CHECK(f.log->wait_for("disconnected", count));
}

PORT_TEST_CASE("a client that connects and closes at once disturbs nobody") {
  port_fixture f{port};
  auto server = f.serve(f.options(), taker::session, echo());
  auto other = f.connect_and_wait(server, 0);
  auto before = open_handles();
  for (int i = 0; i < 200; ++i)
    f.connect(server)->close();
  REQUIRE(f.log->wait_for("disconnected", 200));
  CHECK(f.log->count("connected") == 201);
  CHECK(f.log->count("disconnected closed_by_peer") == 200);
  CHECK(open_handles() <= before + handles_that_come);
  CHECK(other.first->send("still there"));
  CHECK(other.first->receive() == "still there");
}
