#pragma once

#include "pipeactor/caf.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace pipeactor::detail {

/// Sends a message that no handler sees: a response without a request, which CAF drops in silence.
/// When it is dropped, and `token` with it, the receiver has handled all earlier messages.
template <class Token>
void send_fence(const caf::actor& receiver, Token token) {
  caf::message_id id{caf::message_id::default_async_value | caf::message_id::response_flag_mask
                     | caf::message_id::request_id_mask};
  receiver->enqueue(caf::make_mailbox_element(nullptr, id, {}, std::move(token)), nullptr);
}

/// Sends the answer to one of `receiver`'s requests. It is dropped if the request was answered
/// before.
template <class T>
void send_response(const caf::actor& receiver, caf::message_id response, T answer) {
  receiver->enqueue(caf::make_mailbox_element(nullptr, response, {}, std::move(answer)), nullptr);
}

/// Sends a message as if `sender` did (nullptr: nobody).
inline void send_as(const caf::strong_actor_ptr& sender, const caf::strong_actor_ptr& receiver,
                    caf::message content) {
  receiver->enqueue(sender, caf::make_message_id(), std::move(content), nullptr);
}

/// Returns the content of a message if it is a `T` and nothing else, or nullptr.
template <class T>
const T* content_as(const caf::mailbox_element& element) {
  // Only the function that returns the content is not const.
  auto& content = const_cast<caf::mailbox_element&>(element).content();
  return content.match_elements<T>() ? &content.get_as<T>(0) : nullptr;
}

/// Sends a message after `delay`, by CAF's clock.
inline void send_by_clock(caf::actor_system& system, caf::strong_actor_ptr receiver,
                          caf::timespan delay, caf::message content) {
  auto& clock = system.clock();
  auto now = clock.now();
  auto when = delay < caf::actor_clock::time_point::max() - now
                ? now + std::chrono::duration_cast<caf::actor_clock::duration_type>(delay)
                : caf::actor_clock::time_point::max();
  clock.schedule_message(when, std::move(receiver),
                         caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                                   std::move(content)));
}

/// Calls `then` when `receiver`, an actor of any node, has handled all that `self` has sent to it:
/// sends a request that CAF answers for every event-based actor.
template <class F>
void when_caught_up(caf::event_based_actor& self, const caf::actor& receiver, F then) {
  self.request(receiver, caf::infinite, caf::atom("sys"), caf::atom("get"), std::string{"info"})
    .then([then](caf::atom_value, const std::string&, const caf::strong_actor_ptr&,
                 const std::string&) { then(); },
          [then](const caf::error&) { then(); });
}

} // namespace pipeactor::detail
