#include "sweep/scenes.hpp"

#include "sweep/sweep_world.hpp"

#include <array>

namespace sweep {

namespace {

/// After the failure the server serves as before.
void expect_served(world& w) {
  w.calm();
  if (!w.welcomed())
    throw broken_rule{"a client that came later is not served"};
}

} // namespace

void play_start_and_stop(world& w) {
  auto server = w.serve();
  w.stop(server);
  server = w.serve();
  expect_served(w);
}

void play_accept(world& w) {
  auto server = w.serve();
  auto first = w.welcomed();
  auto second = w.welcomed();
  if (!first && !second)
    throw broken_rule{"one failure costs two clients"};
  expect_served(w);
}

void play_write(world& w) {
  auto server = w.serve();
  auto client = w.welcomed();
  if (client && client->send("write"))
    for (int number = 0; number < 8; ++number)
      if (!w.hears(*client, std::string(2000, static_cast<char>('a' + number))))
        break;
  expect_served(w);
}

void play_broadcast(world& w) {
  auto server = w.serve();
  std::array clients{w.welcomed(), w.welcomed(), w.welcomed()};
  broadcast_result result;
  auto failure = w.ask<broadcast_result>(server.actor(), async_broadcast{payload{"all"}, {}},
                                         &result);
  for (auto& client : clients)
    if (client && !failure)
      w.hears(*client, "all");
  expect_served(w);
}

void play_last_words(world& w) {
  auto server = w.serve();
  auto client = w.welcomed();
  if (client && client->send("last") && w.hears(*client, std::string(2000, 'i')))
    w.turn_until("the end", [&] { return client->at_end(contract::wait_time{0}); });
  expect_served(w);
}

void play_stop_with_clients(world& w) {
  auto server = w.serve();
  auto leaver = w.welcomed();
  auto stayer = w.welcomed();
  if (leaver)
    leaver->close();
  w.stop(server);
  if (stayer)
    w.turn_until("the end", [&] { return stayer->at_end(contract::wait_time{0}); });
}

void play_reconnect(world& w) {
  auto server = w.serve();
  client_options options;
  options.reconnect.emplace();
  options.reconnect->initial_delay = std::chrono::milliseconds{1};
  options.reconnect->jitter = 0;
  auto manager = w.tried(
    [&] { return w.context().spawn_client_manager<counting_session>(options, &w.opened); });
  auto failure = w.ask<named_pipe_connection>(manager.actor(),
                                              connect{w.service().pipe_name, contract::patience},
                                              &w.kept);
  if (!failure)
    w.turn(20);
  // Without its session, only the log can report a connection.
  if (!failure && w.opened.sessions == 1) {
    auto ended = [&] { return w.opened.disconnected == 1 || w.opened.connect_failed == 1; };
    w.turn_until("a connection", [&] { return w.served.connected > 0 || ended(); });
    w.tried([&] { return w.kept.async_write(payload{"last"}), 0; });
    w.turn_until("the way back", [&] { return w.opened.connected == 2 || ended(); });
  }
  expect_served(w);
  if (failure) {
    // Nobody holds it: it may have begun, but is gone.
    w.turn_until("no session", [&] { return w.opened.sessions == 0; });
    w.opened = {};
  }
}

} // namespace sweep
