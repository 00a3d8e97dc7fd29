#pragma once

#include "pipeactor/caf.hpp"

#include <caf/scheduled_actor.hpp>

namespace pipeactor::detail {

/// A message that its receiver has no handler for.
using unhandled_message = caf::message_view;

/// Returns whether a message is one that its receiver need not handle.
using is_optional_message = bool (*)(const unhandled_message& message);

/// Lets an actor of this node drop optional messages in silence if it has no handler for them: CAF
/// prints them, unless the actor has a default handler of its own. Any thread. The actor does it
/// itself, when it comes to the next message that is sent to it.
void drop_in_silence(const caf::actor& receiver, is_optional_message is_optional);

/// Returns whether a message is a `T` and nothing else.
template <class T>
bool is_message(const unhandled_message& message) {
  // Only the function that returns the content is not const.
  return const_cast<unhandled_message&>(message).content().match_elements<T>();
}

} // namespace pipeactor::detail
