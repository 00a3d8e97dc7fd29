// Payloads that outlive their connection.

#include "contract/fixture.hpp"

using namespace contract;

PORT_TEST_CASE("a payload may be kept past its connection, its context and its system") {
  std::vector<payload> kept;
  auto size = GENERATE(size_t{10}, size_t{100'000});
  {
    port_fixture f{port};
    script todo;
    todo.received = [&](const named_pipe_connection&, const cookie&, const payload& data) {
      kept.push_back(data);
    };
    auto server = f.serve(f.options(), taker::session, todo);
    auto client = f.connect(server);
    for (unsigned i = 0; i < 5; ++i)
      CHECK(client->send(pattern(size, i)));
    REQUIRE(f.log->wait_for("received", 5));
  }
  REQUIRE(kept.size() == 5);
  for (unsigned i = 0; i < 5; ++i)
    CHECK((kept[i].text() == pattern(size, i)));
}
