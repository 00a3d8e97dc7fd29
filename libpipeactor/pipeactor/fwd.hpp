#pragma once

// Declares every class and enum of the public face, and the few private ones that it names.

#include "pipeactor/message_list.hpp"

#include <cstdint>

namespace pipeactor {

// -- classes ----------------------------------------------------------------------------------

class actor_view;
class context;
class cookie;
class message_loop;
class named_pipe_client_manager;
class named_pipe_connection;
class named_pipe_server;
class payload;
class pipe_access;
class session;
class simulated_network;

// -- messages ---------------------------------------------------------------------------------

#define PIPEACTOR_DECLARE_MESSAGE(name) struct name;
PIPEACTOR_EVENTS(PIPEACTOR_DECLARE_MESSAGE)
PIPEACTOR_REQUESTS(PIPEACTOR_DECLARE_MESSAGE)
PIPEACTOR_ANSWERS(PIPEACTOR_DECLARE_MESSAGE)
#undef PIPEACTOR_DECLARE_MESSAGE

// -- structs ----------------------------------------------------------------------------------

struct client_callbacks;
struct client_options;
struct connection_options;
struct context_options;
struct peer_identity;
struct reconnect_options;
struct server_callbacks;
struct server_options;
struct simulated_options;

// -- enums ------------------------------------------------------------------------------------

enum class errc : uint8_t;
enum class loop_end : uint8_t;
enum class offline_writes : uint8_t;
enum class pipe_mode : uint8_t;
enum class port_kind : uint8_t;
enum class write_queue_policy : uint8_t;

} // namespace pipeactor

// -- private classes that public ones refer to ------------------------------------------------

namespace pipeactor::detail {

class connection_base;
class connection_record;
class event_sink;
class payload_account;
struct payload_block;

} // namespace pipeactor::detail

namespace pipeactor::port {

class completion_port;
struct simulated_end;
struct simulated_state;

} // namespace pipeactor::port
