// An allocation that fails costs the connection that it is for, or ends the program: it breaks
// nothing. Each case plays its scene once for each allocation in it.

#include "contract/port_case.hpp"
#include "sweep/scenes.hpp"
#include "sweep/sweep.hpp"

using namespace sweep;

PORT_TEST_CASE("allocations: a server starts and stops and starts again") {
  sweep_allocations(port, play_start_and_stop);
}

PORT_TEST_CASE("allocations: clients are accepted") {
  sweep_allocations(port, play_accept);
}

PORT_TEST_CASE("allocations: a session writes") {
  sweep_allocations(port, play_write);
}

PORT_TEST_CASE("allocations: a broadcast") {
  sweep_allocations(port, play_broadcast);
}

PORT_TEST_CASE("allocations: a session closes after its last words") {
  sweep_allocations(port, play_last_words);
}

PORT_TEST_CASE("allocations: a client leaves and the server stops") {
  sweep_allocations(port, play_stop_with_clients);
}

PORT_TEST_CASE("allocations: a connection of ours reconnects") {
  sweep_allocations(port, play_reconnect);
}
