#pragma once

// Lets CAF send the messages that never leave their node, without a way to write them down.

#include "base/local_messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#define PIPEACTOR_ALLOW_LOCAL_MESSAGE(name) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipeactor::detail::name)
PIPEACTOR_LOCAL_MESSAGES(PIPEACTOR_ALLOW_LOCAL_MESSAGE)
#undef PIPEACTOR_ALLOW_LOCAL_MESSAGE
