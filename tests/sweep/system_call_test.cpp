// A system call that fails costs the connection that it is for at most, and is reported. Each case
// plays its scene once for each call in it and each error that the call's manual lists.

#include "contract/port_case.hpp"
#include "sweep/scenes.hpp"
#include "sweep/sweep.hpp"

using namespace sweep;

PORT_TEST_CASE("system calls: a server starts and stops and starts again") {
  sweep_calls(port, play_start_and_stop);
}

PORT_TEST_CASE("system calls: clients are accepted") {
  sweep_calls(port, play_accept);
}

PORT_TEST_CASE("system calls: a session writes") {
  sweep_calls(port, play_write);
}

PORT_TEST_CASE("system calls: a broadcast") {
  sweep_calls(port, play_broadcast);
}

PORT_TEST_CASE("system calls: a session closes after its last words") {
  sweep_calls(port, play_last_words);
}

PORT_TEST_CASE("system calls: a client leaves and the server stops") {
  sweep_calls(port, play_stop_with_clients);
}

PORT_TEST_CASE("system calls: a connection of ours reconnects") {
  sweep_calls(port, play_reconnect);
}
