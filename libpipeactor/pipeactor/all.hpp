#pragma once

// Everything that a program needs, and all of CAF's core.

#include "pipeactor/actor_view.hpp"
#include "pipeactor/context.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/error.hpp"
#include "pipeactor/message_loop.hpp"
#include "pipeactor/messages.hpp"
#include "pipeactor/named_pipe_client_manager.hpp"
#include "pipeactor/named_pipe_connection.hpp"
#include "pipeactor/named_pipe_server.hpp"
#include "pipeactor/options.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/peer_identity.hpp"
#include "pipeactor/pipe_access.hpp"
#include "pipeactor/session.hpp"
#include "pipeactor/statistics.hpp"
#include "pipeactor/system_config.hpp"

#include <caf/all.hpp>
