#pragma once

// The messages of a bridge to the owner of a pipe: the port's completions, typed. Local only, never
// serialised.

#include "pipeactor/caf.hpp"
#include "pipeactor/payload.hpp"
#include "base/local_message_types.hpp"

#include <cstddef>

namespace pipeactor::detail {

/// Message mode: a whole message. Byte mode: one or more bytes.
struct received {
  payload data;
};

/// Nothing more will be received.
struct read_ended {
  caf::error reason;
};

/// The operating system took the oldest `count` writes.
struct sent {
  size_t count = 0;
};

/// The oldest `count` writes failed.
struct write_failed {
  size_t count = 0;
  caf::error reason;
};

/// Every operation has returned and the handle is closed.
struct closed {};

/// The context is shutting down: close the pipe.
struct shutting_down {};

/// A time that the actor asked for has come.
struct timer_expired {};

} // namespace pipeactor::detail
