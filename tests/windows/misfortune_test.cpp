// Clients and servers that misbehave or have bad luck: all others are served.

#include "programs.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <mutex>
#include <thread>
#include <vector>

using namespace programs;

namespace {

/// Handles that the system opens in a program, for threads of its pool.
constexpr size_t of_the_system = 20;

void check_echo(plain_client& client, const std::string& text) {
  REQUIRE(client.write(text));
  CHECK(same(client.read(text.size(), 65536), text));
}

void check_serves(const std::string& name) {
  plain_client client{name};
  check_echo(client, "are you there?");
}

/// A client of a server that echoes, which sends messages of `size` bytes and never reads.
std::string deaf_client(const std::string& name, size_t size) {
  return program("win32_peer") + " write " + name + " " + std::to_string(size);
}

} // namespace

// -- many clients -----------------------------------------------------------------------------

TEST_CASE("a thousand clients that connect and leave at once leave nothing behind") {
  auto name = unique_name();
  process server{listen(name, "--echo")};
  REQUIRE(server.prints("LISTENING"));
  check_serves(name);
  auto before = server.handles();
  for (int round = 0; round < 1000; ++round) {
    plain_client client{name};
    if (round % 2 == 0)
      client.write("bye");
  }
  check_serves(name);
  CHECK(server.has_handles_left(before + of_the_system));
}

TEST_CASE("a thousand clients that connect at once, and stay, are all served") {
  auto mode = GENERATE(as<std::string>{}, "--threads 1", "--threads 4");
  auto name = unique_name();
  process server{listen(name, "--echo " + mode)};
  REQUIRE(server.prints("LISTENING"));
  check_serves(name);
  auto before = server.handles();
  std::mutex mutex;
  std::deque<plain_client> clients;
  std::vector<std::thread> threads;
  for (auto count = 0; count < 8; ++count)
    threads.emplace_back([&] {
      for (auto index = 0; index < 125; ++index) {
        plain_client client{name};
        std::lock_guard guard{mutex};
        clients.push_back(std::move(client));
      }
    });
  for (auto& thread : threads)
    thread.join();
  REQUIRE(clients.size() == 1000);
  for (auto& client : clients)
    REQUIRE(client.write("hello"));
  for (auto& client : clients)
    REQUIRE(client.read(5, 5) == "hello");
  CHECK(server.handles() > before + 900);
  clients.clear();
  CHECK(server.has_handles_left(before + of_the_system));
}

// -- large messages, and peers that do not read -----------------------------------------------

TEST_CASE("a message of 16 MiB passes through a pipe that holds far less") {
  auto name = unique_name();
  process server{listen(name, "--echo --max-message 16777216")};
  REQUIRE(server.prints("LISTENING"));
  plain_client client{name};
  check_echo(client, letters(16 << 20));
}

TEST_CASE("a message over the limit ends its client only") {
  auto name = unique_name();
  process server{listen(name, "--echo --verbose --max-message 1000")};
  REQUIRE(server.prints("LISTENING"));
  plain_client other{name};
  plain_client client{name};
  check_echo(client, letters(1000));
  REQUIRE(client.write(letters(1001)));
  CHECK(client.read(1, 1).empty());
  CHECK(server.prints("client 2 left: message_too_large"));
  check_echo(other, "not me");
}

TEST_CASE("a client that never reads holds nobody up") {
  auto name = unique_name();
  process server{listen(name, "--echo --verbose")};
  REQUIRE(server.prints("LISTENING"));
  process deaf{deaf_client(name, 65536)};
  REQUIRE(deaf.prints("WRITTEN"));
  plain_client other{name};
  for (auto round = 0; round < 200; ++round)
    check_echo(other, letters(1000));
  deaf.kill();
  CHECK(server.prints("client 1 left: "));
  check_echo(other, "still there");
}

// -- processes that are terminated ------------------------------------------------------------

TEST_CASE("a client that is terminated in the middle harms nobody") {
  auto name = unique_name();
  process server{listen(name, "--echo --verbose")};
  REQUIRE(server.prints("LISTENING"));
  plain_client other{name};
  // Waits for an answer that never comes.
  process victim{connect(name, "--expect 2 --linger 1000"), "one\n"};
  REQUIRE(victim.prints("one"));
  victim.kill();
  REQUIRE(server.prints("left: closed_by_peer"));
  REQUIRE(other.write("x"));
  CHECK(other.read(1, 1) == "x");
}

TEST_CASE("a client that is terminated in the middle of a message harms nobody") {
  auto mode = GENERATE(as<std::string>{}, "--mode message", "--mode byte");
  auto name = unique_name();
  process server{listen(name, "--echo --verbose " + mode)};
  REQUIRE(server.prints("LISTENING"));
  plain_client other{name};
  check_echo(other, "first");
  // The answer to its first message waits for it to read, and nobody reads its next ones.
  process victim{deaf_client(name, 4 << 20)};
  REQUIRE(victim.prints("WRITTEN"));
  victim.kill();
  CHECK(server.prints("client 2 left: "));
  check_echo(other, "still there");
}

TEST_CASE("a server that is terminated in the middle ends its clients") {
  auto name = unique_name();
  auto server = std::make_unique<process>(listen(name, "--echo"));
  REQUIRE(server->prints("LISTENING"));
  plain_client client{name};
  REQUIRE(client.write("x"));
  REQUIRE(client.read(1, 1) == "x");
  server.reset();
  CHECK(client.read(1, 1).empty());
  // The name is free at once.
  process next{listen(name, "--echo")};
  CHECK(next.prints("LISTENING"));
}

TEST_CASE("a server that is terminated while it writes a message ends its clients") {
  auto name = unique_name();
  process server{listen(name, "--echo")};
  REQUIRE(server.prints("LISTENING"));
  plain_client client{name};
  auto text = letters(1 << 20);
  REQUIRE(client.write(text));
  REQUIRE(client.read(100, 100) == text.substr(0, 100));
  server.kill();
  // How much is left to read is the system's business; that there is an end is not.
  CHECK(client.read(text.size(), 1000).size() < text.size());
}

TEST_CASE("our client reports that a server was terminated while it read a message") {
  auto mode = GENERATE(as<std::string>{}, "message", "byte");
  auto name = unique_name();
  process server{program("win32_peer") + " stall " + name + " " + mode};
  REQUIRE(server.prints("LISTENING"));
  process client{connect(name, "--whole --linger 1000 --mode " + mode), letters(1 << 20)};
  REQUIRE(server.prints("READ 100"));
  server.kill();
  CHECK(client.wait() == 1);
  CHECK(client.prints("1 message was not sent: "));
}

// -- starting and stopping --------------------------------------------------------------------

TEST_CASE("a program that serves a name starts and ends again and again") {
  auto name = unique_name();
  for (auto round = 0; round < 10; ++round) {
    process server{program("echo_server") + " " + name, "", input_ends::later};
    REQUIRE(server.prints("LISTENING"));
    plain_client client{name};
    check_echo(client, letters(100));
    server.type("\n");
    REQUIRE(server.wait() == 0);
    CHECK(client.read(1, 1).empty());
  }
}

TEST_CASE("a server within a program starts and ends again and again") {
  auto name = unique_name();
  process server{program("supervised_server") + " " + name, "", input_ends::later};
  size_t before = 0;
  for (auto round = 1; round <= 50; ++round) {
    REQUIRE(server.prints("LISTENING", round));
    if (round == 5)
      before = server.handles();
    if (round == 50)
      CHECK(server.has_handles_left(before + of_the_system));
    plain_client client{name};
    check_echo(client, letters(100));
    server.type("die\n");
    CHECK(client.read(1, 1).empty());
  }
}

TEST_CASE("a server ends while clients write, wait, and never read") {
  auto name = unique_name();
  process server{program("echo_server") + " " + name, "", input_ends::later};
  REQUIRE(server.prints("LISTENING"));
  process deaf{deaf_client(name, 65536)};
  REQUIRE(deaf.prints("WRITTEN"));
  std::deque<plain_client> clients;
  for (auto count = 0; count < 50; ++count) {
    clients.emplace_back(name);
    check_echo(clients.back(), "hello");
  }
  server.type("\n");
  CHECK(server.wait() == 0);
  CHECK(deaf.wait() == 1);
  for (auto& client : clients)
    CHECK(client.read(1, 1).empty());
}
