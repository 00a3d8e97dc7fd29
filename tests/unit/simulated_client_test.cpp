// Test clients of a simulated network: users of the library write tests with them.

#include "simulated_helpers.hpp"

using namespace simulated_helpers;

TEST_CASE("simulated_client::send takes all or nothing, and says why not", "[simulated]") {
  constexpr size_t most_bytes = 10;
  auto options = small_pipe(most_bytes, 3);
  options.largest_message = 2 * most_bytes;
  world w{options};
  auto [client, pipe] = w.pair();
  CHECK(client->send(std::string(options.largest_message + 1, 'x')) == simulated_send::too_large);
  CHECK(client->send(std::string(most_bytes / 2, 'x')) == simulated_send::sent);
  CHECK(client->send(std::string(most_bytes / 2 + 1, 'x')) == simulated_send::would_block);
  client->shutdown_write();
  CHECK(client->send("x") == simulated_send::closed);
}

TEST_CASE("simulated_client::send fills an empty pipe with a message of any size", "[simulated]") {
  constexpr size_t most_bytes = 10;
  world w{small_pipe(most_bytes, 3)};
  auto [client, pipe] = w.pair();
  CHECK(client->send(std::string(2 * most_bytes, 'x')) == simulated_send::sent);
  CHECK(client->send("") == simulated_send::would_block);
}

TEST_CASE("simulated_client::receive returns none until something is there", "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  CHECK_FALSE(client->receive());
  w.write(pipe, "one");
  w.write(pipe, "two");
  CHECK_FALSE(client->receive());
  w.turn();
  CHECK(client->receive() == "one");
  CHECK(client->receive() == "two");
  CHECK_FALSE(client->receive());
  CHECK_FALSE(client->at_end());
}

TEST_CASE("simulated_client closes in its destructor, and the server sees an orderly end",
          "[simulated]") {
  world w;
  auto [client, pipe] = w.pair();
  w.port->start_reading(*pipe);
  w.write(pipe, "never received");
  w.turn();
  CHECK(w.events.take(1) == lines{"sent 1"});
  client.reset();
  w.turn();
  CHECK(w.events.take(1) == lines{"ended closed_by_peer"});
}
