#pragma once

#include <cstdint>

namespace pipeactor {

class completion_bridge;
class context;
class cookie;
class named_pipe_connection;
class named_pipe_server;
class payload;
class session;

struct context_options;
struct peer_identity;
struct server_options;

enum class errc : uint8_t;
enum class pipe_mode : uint8_t;

} // namespace pipeactor

namespace pipeactor::port {

class completion_handler;
class completion_port;
class pipe_instance;

} // namespace pipeactor::port
