#pragma once

#include "pipeactor/caf.hpp"
#include "base/local_message_types.hpp"
#include "port/resolved_access.hpp"

#include <functional>

namespace pipeactor::detail {

/// Look the names up. To the thread that does it.
struct look_up {};

/// The answer.
struct looked_up {
  port::resolved_access access;
};

/// Looks up whom `access` names, and calls `then` in `self`, on its host: at once if there are no
/// names, else later. Names are looked up on a thread of their own: a directory service may keep
/// whoever asks waiting.
void look_up_access(caf::event_based_actor& self, const pipe_access& access,
                    std::function<void(caf::expected<port::resolved_access>)> then);

} // namespace pipeactor::detail
