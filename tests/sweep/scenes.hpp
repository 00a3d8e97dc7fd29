#pragma once

// The scenes of the sweeps. Each ends with a client that is served: whatever failed before, the
// server goes on.

namespace sweep {

class world;

void play_start_and_stop(world& w);
void play_accept(world& w);
void play_write(world& w);
void play_broadcast(world& w);
void play_last_words(world& w);
void play_stop_with_clients(world& w);
void play_reconnect(world& w);

} // namespace sweep
