#include "actors/connection_base.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/requests.hpp"
#include "base/special_messages.hpp"

namespace pipeactor::detail {

namespace {

/// Returns the cookie of a message that asks for an operation, or an empty one.
cookie cookie_of(const caf::mailbox_element& element) {
  if (auto* write = content_as<async_write>(element))
    return write->cookie;
  if (auto* read = content_as<async_read>(element))
    return read->cookie;
  return {};
}

answer_promise answer(const caf::response_promise& promise) {
  return promise.pending() ? std::make_unique<caf::response_promise>(promise) : nullptr;
}

} // namespace

caf::message_handler connection_base::requests() {
  return {
    [this](const async_write& x) -> caf::response_promise {
      auto promise = promise_of_request();
      write(x.data, x.cookie, answer(promise));
      return promise;
    },
    [this](const async_read& x) -> caf::response_promise {
      auto promise = promise_of_request();
      read(x.cookie, answer(promise));
      return promise;
    },
    [this](const async_close&) {
      auto promise = promise_of_request();
      answer_when_closed(promise);
      close(make_error(errc::closed_by_us));
      return promise;
    },
    [this](const pipeactor::close_after_drain& x) {
      auto promise = promise_of_request();
      answer_when_closed(promise);
      close_after_drain(x.deadline);
      return promise;
    },
    [this](const get_stats&) { return stats(); },
  };
}

void connection_base::take_in(caf::mailbox_element_ptr element) {
  // If the actor has ended, the element is gone afterwards.
  auto cookie = cookie_of(*element);
  if (!post(std::move(element)) && !cookie.empty())
    failed_late(cookie);
}

void connection_base::never_handled(const caf::mailbox_element& element) {
  if (auto cookie = cookie_of(element); !cookie.empty())
    failed_late(cookie);
}

} // namespace pipeactor::detail
