#include "base/silent_events.hpp"

#include <caf/actor_cast.hpp>
#include <caf/mailbox_element.hpp>

#include <string>

namespace pipeactor::detail {

namespace {

/// CAF's default handler for messages that nobody handles, as far as they are not optional.
struct silent_handler {
  caf::result<caf::message> operator()(caf::scheduled_actor* self,
                                       caf::message_view& message) const {
    // Not caf::drop: that sends an error to the sender.
    if (is_optional(message))
      return caf::delegated<caf::message>{};
    return caf::print_and_drop(self, message);
  }

  is_optional_message is_optional;
};

/// Gives access to an actor's default handler, which has a setter only.
struct opened_actor : caf::scheduled_actor {
  static constexpr auto handler() {
    return &opened_actor::default_handler_;
  }
};

/// A message that changes its receiver when that looks at the content. It asks what CAF answers
/// for every actor, no matter which handlers it has, and the answer, to a request that was never
/// made, is dropped.
class silencing_element final : public caf::mailbox_element {
public:
  silencing_element(const caf::actor& receiver, caf::scheduled_actor& local,
                    is_optional_message is_optional)
      : mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(receiver),
                        caf::make_message_id(caf::message_id::request_id_mask), {}),
        receiver_(local), is_optional_(is_optional),
        question_(caf::make_message(caf::atom("sys"), caf::atom("get"), std::string{"info"})) {}

  caf::type_erased_tuple& content() override {
    using printing = caf::result<caf::message> (*)(caf::scheduled_actor*, caf::message_view&);
    auto& handler = receiver_.*opened_actor::handler();
    auto* function = handler.template target<printing>();
    if (function != nullptr && *function == printing{caf::print_and_drop})
      handler = silent_handler{is_optional_};
    return question_.vals().unshared();
  }

  const caf::type_erased_tuple& content() const override {
    return question_.content();
  }

  caf::message move_content_to_message() override {
    return std::move(question_);
  }

  caf::message copy_content_to_message() const override {
    return question_;
  }

private:
  caf::scheduled_actor& receiver_;
  is_optional_message is_optional_;
  caf::message question_;
};

} // namespace

void drop_in_silence(const caf::actor& receiver, is_optional_message is_optional) {
  if (!receiver || receiver.node() != receiver.home_system().node())
    return;
  auto* local = dynamic_cast<caf::scheduled_actor*>(
    caf::actor_cast<caf::abstract_actor*>(receiver));
  if (local != nullptr)
    receiver->enqueue(caf::mailbox_element_ptr{new silencing_element{receiver, *local,
                                                                     is_optional}},
                      nullptr);
}

} // namespace pipeactor::detail
