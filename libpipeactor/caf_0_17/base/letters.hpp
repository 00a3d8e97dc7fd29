#pragma once

#include "pipeactor/caf.hpp"

#include <caf/actor_companion.hpp>
#include <caf/message_handler.hpp>

#include <utility>

namespace pipeactor::detail {

/// A message as an actor got it, still to be handled.
using letter = caf::mailbox_element_ptr;

/// Calls the handler, if any, that takes `content`.
inline void handle(caf::message_handler& handlers, const letter& content) {
  handlers(content->content());
}

/// Spawns an actor that handles nothing itself: each message goes to `take(letter)`, on the thread
/// that sends it. The actor is hidden: it never holds up the end of the actor system.
template <class F>
caf::actor spawn_letter_box(caf::actor_system& sys, F take) {
  auto actor = sys.spawn<caf::actor_companion, caf::hidden>();
  caf::actor_cast<caf::actor_companion*>(actor)->on_enqueue(std::move(take));
  return actor;
}

} // namespace pipeactor::detail
