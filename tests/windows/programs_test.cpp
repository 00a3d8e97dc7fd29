// Windows programs against each other: pipecat, the examples, and a plain blocking client.

#include "programs.hpp"
#include "wine.hpp"

#include <catch2/catch.hpp>

using namespace programs;

TEST_CASE("pipecat talks to pipecat") {
  auto mode = GENERATE(as<std::string>{}, "--mode message", "--mode byte");
  auto name = unique_name();
  process server{listen(name, "--echo " + mode)};
  REQUIRE(server.prints("LISTENING " + address_of(name)));
  process client{connect(name, "--expect 3 " + mode), "one\ntwo\nthree\n"};
  CHECK(client.wait() == 0);
  CHECK(client.output() == "one\ntwo\nthree\n");
}

TEST_CASE("pipecat connect reports that there is no such pipe") {
  process client{connect(unique_name(), "")};
  CHECK(client.wait() == 1);
  CHECK(client.output().find("no_such_pipe") != std::string::npos);
}

TEST_CASE("pipecat list names a live server, or reports not_supported under Wine") {
  auto name = unique_name();
  process server{listen(name, "")};
  REQUIRE(server.prints("LISTENING"));
  process list{program("pipecat") + " list " + name};
  auto wine = test::runs_under_wine();
  CHECK(list.wait() == (wine ? 1 : 0));
  CHECK(list.output().find(wine ? "not_supported" : name) != std::string::npos);
}

TEST_CASE("a plain blocking client that reads bytes gets its answers, even in message mode") {
  auto mode = GENERATE(as<std::string>{}, "--mode message", "--mode byte");
  auto name = unique_name();
  process server{listen(name, "--echo " + mode)};
  REQUIRE(server.prints("LISTENING"));
  plain_client client{name};
  for (size_t size : {1, 1000, 4096, 4097, 30'000}) {
    auto text = letters(size);
    REQUIRE(client.write(text));
    // In pieces smaller than the message.
    CHECK(client.read(size, 700) == text);
  }
}

TEST_CASE("the example echo_server answers, and ends at the return key") {
  auto name = unique_name();
  process server{program("echo_server") + " " + name, "", input_ends::later};
  REQUIRE(server.prints("LISTENING " + address_of(name)));
  plain_client client{name};
  REQUIRE(client.write("hello"));
  CHECK(client.read(5, 5) == "hello");
  server.type("\n");
  CHECK(server.wait() == 0);
}
