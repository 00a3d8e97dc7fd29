#include "actors/connection_base.hpp"

#include "pipeactor/requests.hpp"
#include "base/caf_0_17/special_messages.hpp"

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

} // namespace

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
