// node.exe as a client of ours, and as a server for ours.

#include "programs.hpp"

#include <catch2/catch.hpp>

using namespace programs;

namespace {

std::string node(const std::string& what, const std::string& name) {
  return std::string{"\"" NODE "\" \"" NODE_PEER "\" "} + what + " " + address_of(name);
}

} // namespace

TEST_CASE("node gets its bytes back, in byte mode and in message mode") {
  // It joins writes that have to wait, here to a message of more than 10 MB.
  auto mode = GENERATE(as<std::string>{}, "--mode byte", "--mode message --max-message 16777216");
  auto name = unique_name();
  process server{listen(name, "--echo --verbose " + mode)};
  REQUIRE(server.prints("LISTENING"));
  process client{node("ask", name)};
  CHECK(client.prints("DONE"));
  CHECK(client.wait() == 0);
  CHECK(server.prints("client 1 left: closed_by_peer"));
}

TEST_CASE("500 connections that node opens at once are all served") {
  auto name = unique_name();
  process server{listen(name, "--echo --mode byte")};
  REQUIRE(server.prints("LISTENING"));
  process client{node("crowd", name)};
  CHECK(client.prints("DONE"));
  CHECK(client.wait() == 0);
}

TEST_CASE("each write of node is a message, and it reads messages as bytes") {
  auto name = unique_name();
  process server{listen(name, ""), "", input_ends::later};
  REQUIRE(server.prints("LISTENING"));
  process client{node("tell", name)};
  CHECK(server.prints("one\ntwo\nthree\n"));
  server.type("to\nall\n");
  CHECK(client.prints("toall"));
  server.kill();
  CHECK(client.prints("END"));
  CHECK(client.wait() == 0);
}

TEST_CASE("node serves our client, and ends the connection after a last word") {
  auto name = unique_name();
  process server{node("echo", name)};
  REQUIRE(server.prints("LISTENING"));
  auto text = letters(300'000) + "\n";
  {
    process client{connect(name, "--mode byte --expect 1"), text};
    CHECK(client.wait() == 0);
    CHECK(same(client.output(), text));
  }
  CHECK(server.prints("CLOSED"));
  process client{connect(name, "--mode byte"), "bye\n", input_ends::later};
  CHECK(client.wait() == 0);
  CHECK(client.output() == "bye\nfarewell\n");
}

TEST_CASE("our client reports that node serves bytes if it wants messages") {
  auto name = unique_name();
  process server{node("echo", name)};
  REQUIRE(server.prints("LISTENING"));
  process client{connect(name, "--mode message"), "hello\n"};
  CHECK(client.wait() == 1);
  CHECK(client.output().find("not_a_pipe") != std::string::npos);
}
