// An allocation that fails costs the connection that it is for, or ends the program: it breaks
// nothing. Each case plays its scene once for each allocation in it.

#include "contract/port_case.hpp"
#include "sweep/sweep.hpp"
#include "sweep/sweep_world.hpp"

using namespace sweep;

namespace {

/// After the failure the server serves as before.
void expect_served(world& w) {
  w.calm();
  if (!w.welcomed())
    throw broken_rule{"a client that came later is not served"};
}

} // namespace

PORT_TEST_CASE("allocations: a server starts and stops and starts again") {
  sweep_allocations(port, [](world& w) {
    auto server = w.serve();
    w.stop(server);
    server = w.serve();
    expect_served(w);
  });
}

PORT_TEST_CASE("allocations: clients are accepted") {
  sweep_allocations(port, [](world& w) {
    auto server = w.serve();
    auto first = w.welcomed();
    auto second = w.welcomed();
    if (!first && !second)
      throw broken_rule{"one failure costs two clients"};
    expect_served(w);
  });
}

PORT_TEST_CASE("allocations: a session writes") {
  sweep_allocations(port, [](world& w) {
    auto server = w.serve();
    auto client = w.welcomed();
    if (client && client->send("write"))
      for (int number = 0; number < 8; ++number)
        if (!w.hears(*client, std::string(2000, static_cast<char>('a' + number))))
          break;
    expect_served(w);
  });
}

PORT_TEST_CASE("allocations: a broadcast") {
  sweep_allocations(port, [](world& w) {
    auto server = w.serve();
    std::array clients{w.welcomed(), w.welcomed(), w.welcomed()};
    broadcast_result result;
    auto failure = w.ask<broadcast_result>(server.actor(), async_broadcast{payload{"all"}, {}},
                                           &result);
    for (auto& client : clients)
      if (client && !failure)
        w.hears(*client, "all");
    expect_served(w);
  });
}

PORT_TEST_CASE("allocations: a session closes after its last words") {
  sweep_allocations(port, [](world& w) {
    auto server = w.serve();
    auto client = w.welcomed();
    if (client && client->send("last") && w.hears(*client, std::string(2000, 'i')))
      w.turn_until("the end", [&] { return client->at_end(contract::wait_time{0}); });
    expect_served(w);
  });
}

PORT_TEST_CASE("allocations: a client leaves and the server stops") {
  sweep_allocations(port, [](world& w) {
    auto server = w.serve();
    auto leaver = w.welcomed();
    auto stayer = w.welcomed();
    if (leaver)
      leaver->close();
    w.stop(server);
    if (stayer)
      w.turn_until("the end", [&] { return stayer->at_end(contract::wait_time{0}); });
  });
}

PORT_TEST_CASE("allocations: a connection of ours reconnects") {
  sweep_allocations(port, [](world& w) {
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
  });
}
