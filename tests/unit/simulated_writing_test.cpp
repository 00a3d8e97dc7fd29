#include "simulated_helpers.hpp"

#include <algorithm>

using namespace simulated_helpers;

TEST_CASE("simulated port: writes wait while the pipe is full", "[simulated]") {
  constexpr size_t most_bytes = 10;
  constexpr size_t most_messages = 3;
  world w{small_pipe(most_bytes, most_messages)};
  auto [client, pipe] = w.pair();
  const lines texts{"1", "22", "333", "4444", "55555", "longer than the whole pipe"};
  for (auto& text : texts)
    w.write(pipe, text);
  w.turn(2);
  CHECK(w.events.take(1) == lines{"sent 3"}); // as many messages as it holds
  CHECK(client->receive() == "1");
  w.turn();
  CHECK(w.events.take(1) == lines{"sent 1"}); // "22", "333" and "4444": nearly all bytes
  lines rest{"1"};
  for (auto& text : texts) {
    INFO("waiting for " << text);
    while (auto received = client->receive())
      rest.push_back(*received);
    w.turn();
  }
  CHECK(rest == texts);
}

TEST_CASE("simulated port: writes fail if the peer closes before they fit", "[simulated]") {
  constexpr size_t most_messages = 1;
  world w{small_pipe(100, most_messages)};
  auto [client, pipe] = w.pair();
  for (auto text : {"1", "2", "3"})
    w.write(pipe, text);
  w.turn();
  client->close();
  w.turn();
  auto events = w.events.take(1);
  std::sort(events.begin(), events.end()); // reads and writes have no order between them
  CHECK(events == lines{"ended closed_by_peer", "failed 2 closed_by_peer", "sent 1"});
}

TEST_CASE("simulated port: byte mode writes what is longer than the pipe piece by piece",
          "[simulated]") {
  constexpr size_t capacity = 50;
  world w{small_pipe(capacity, 1), pipe_mode::byte};
  auto [client, pipe] = w.pair();
  const auto text = std::string(2 * capacity + capacity / 2, 'x');
  w.write(pipe, text);
  w.write(pipe, "y");
  std::string got;
  for (size_t size : {capacity, 2 * capacity, text.size() + 1}) {
    w.turn();
    got += client->receive().value_or("");
    CHECK(got.size() == size);
  }
  CHECK(w.events.take(1) == lines{"sent 2"});
  CHECK(got == text + "y");
}

TEST_CASE("simulated port: what has left is said of the oldest write only, and of no later one",
          "[simulated]") {
  simulated_options options;
  options.pipe_capacity_bytes = 10;
  simulated_faults late;
  late.late_completions = 1;
  for (auto is_late : {false, true}) {
    CAPTURE(is_late);
    world w{options, pipe_mode::byte};
    auto [client, pipe] = w.pair();
    if (is_late)
      w.network->set_faults(late);
    w.write(pipe, "123456");
    w.write(pipe, "abcdef");
    w.turn();
    // Of the second one four bytes have left; that the first one has is not reported yet if late.
    CHECK(w.port->bytes_sent_of_oldest(*pipe) == (is_late ? 0 : 4));
    w.network->set_faults({});
    w.turn();
    CHECK(w.port->bytes_sent_of_oldest(*pipe) == 4);
    client->close();
    w.turn();
    w.write(pipe, "never leaves");
    CHECK(w.port->bytes_sent_of_oldest(*pipe) == 0);
  }
}
