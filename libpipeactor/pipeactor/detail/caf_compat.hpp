#pragma once

// The one place that knows which generation of CAF is in use (today 0.17.6, as
// Debian 12 ships it). What differs between 0.17 and 1.x gets a name here, and
// the rest of the library uses the name.

#include <caf/actor_cast.hpp>
#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/error.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/execution_unit.hpp>
#include <caf/expected.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

// CAF_VERSION is an octal literal in 1.0 and 1.1: compare the major version only.
#if CAF_MAJOR_VERSION >= 1
#  error "pipeactor is built on CAF 0.17.6; CAF 1.x is not supported yet"
#endif

namespace pipeactor::detail {

// -- errors -----------------------------------------------------------------------------------

/// The category of an error enum: an atom in 0.17, the enum's type id in 1.x.
template <class Enum>
struct error_category;

template <class Enum>
bool is_category(const caf::error& err) {
  return err && err.category() == error_category<Enum>::value;
}

template <class Enum>
caf::error make_caf_error(Enum code, std::string text, int32_t os_code) {
  return caf::error{static_cast<uint8_t>(code), error_category<Enum>::value,
                    caf::make_message(std::move(text), os_code)};
}

#define PIPEACTOR_ERROR_CATEGORY(enum_type, category_name)                                         \
  template <>                                                                                      \
  struct pipeactor::detail::error_category<enum_type> {                                            \
    static constexpr caf::atom_value value = caf::atom(category_name);                             \
  };

// -- inspection -------------------------------------------------------------------------------

template <class Inspector>
using inspect_result_t = typename Inspector::result_type;

/// A member of an inspected type with its name (1.x wants names, 0.17 has none).
template <class T>
struct field_ref {
  const char* name;
  T& value;
};

template <class T>
field_ref<T> field(const char* name, T& value) {
  return {name, value};
}

/// Inspects the fields of a message struct.
template <class Inspector, class... Ts>
inspect_result_t<Inspector> inspect_fields(Inspector& f, const char* type_name,
                                           field_ref<Ts>... fields) {
  return f(caf::meta::type_name(type_name), fields.value...);
}

/// Inspects a type by way of another one: `surrogate` holds the value when
/// saving, and `assign` takes it over after loading.
template <class Inspector, class T, class F>
inspect_result_t<Inspector> inspect_via(Inspector& f, const char* type_name, T& surrogate,
                                        F assign) {
  auto load = [&]() -> caf::error {
    assign(surrogate);
    return caf::none;
  };
  return f(caf::meta::type_name(type_name), surrogate, caf::meta::load_callback(load));
}

// -- actors that live on a loop of ours -------------------------------------------------------

/// A scheduled run of an actor; owns one reference to it.
using job = caf::intrusive_ptr<caf::resumable>;

/// An actor that only ever runs on the host it was spawned on.
class pinned_actor : public caf::event_based_actor {
public:
  using super = caf::event_based_actor;
  using super::enqueue;

  explicit pinned_actor(caf::actor_config& cfg) : super(cfg), host_(cfg.host) {}

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    super::enqueue(std::move(element), host_);
  }

  subtype_t subtype() const override {
    return resumable::io_actor;
  }

  /// Handlers that throw end a CAF actor; this gives the actor a say in it.
  caf::invoke_message_result consume(caf::mailbox_element& element) override {
    try {
      return super::consume(element);
    } catch (...) {
      auto err = handler_threw(std::current_exception());
      if (element.mid.is_request())
        make_response_promise().deliver(std::move(err));
      return caf::invoke_message_result::consumed;
    }
  }

  /// Ends the actor as scheduled_actor does, and leaves CAF's clock alone: its thread would be
  /// woken for each actor that ends, to look for timeouts that a pinned actor never has there
  /// (its requests wait without end, or until a timer of the bridge's).
  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    awaited_responses_.clear();
    multiplexed_responses_.clear();
    if (!mailbox().closed()) {
      mailbox().close();
      get_normal_queue().flush_cache();
      get_urgent_queue().flush_cache();
      caf::detail::sync_request_bouncer bounce{reason};
      while (mailbox().queue().new_round(1000, bounce).consumed_items > 0) {
      }
    }
    unregister_from_system();
    return monitorable_actor::cleanup(std::move(reason), host);
  }

  /// Returns whether a message may be handled at once, past the mailbox: nothing
  /// waits in the mailbox, nothing was skipped before, and no answer is awaited, while which
  /// everything else is skipped.
  bool idle() noexcept {
    return mailbox().blocked() && get_normal_queue().cache().empty() && awaited_responses_.empty();
  }

  /// Handles `element` by `handler` now, as CAF's activate() would by the behavior: matching a
  /// message takes longer than most handlers do. For actors that never change what they do
  /// with it, have no `after`, survive what their handlers throw, and are idle. On the actor's
  /// own host, with a strong reference to it held.
  template <class F>
  void handle_now(caf::mailbox_element& element, F handler) {
    auto runs = getf(is_initialized_flag) && alive();
    if (!runs && !activate(host_)) // makes the behavior of one that is new
      return;
    context(host_);
    current_element_ = &element;
    try {
      handler();
    } catch (...) {
      handler_threw(std::current_exception());
    }
    bhvr_stack_.cleanup();
    if (!alive())
      finalize();
  }

protected:
  /// A handler threw; what is returned answers the request that it was handling. Throwing on
  /// ends the actor.
  virtual caf::error handler_threw(std::exception_ptr error) {
    std::rethrow_exception(std::move(error));
  }

  /// Returns the promise to answer the message that is being handled, or an empty one
  /// where nobody waits for an answer.
  caf::response_promise promise_of_request() {
    auto* element = current_mailbox_element();
    if (element == nullptr || !element->mid.is_request())
      return {};
    return make_response_promise();
  }

  /// Returns whether answers to requests are still to come.
  bool awaits_responses() const noexcept {
    return !awaited_responses_.empty() || !multiplexed_responses_.empty();
  }

  /// Answers to requests that are still out will not be handled.
  void forget_pending_responses() {
    awaited_responses_.clear();
    multiplexed_responses_.clear();
  }

private:
  caf::execution_unit* host_;
};

/// Returns whether `what` belongs on the loop it was spawned on. Other actors that
/// are woken from there go to the actor system's scheduler.
inline bool is_pinned(const caf::resumable& what) {
  return what.subtype() == caf::resumable::io_actor;
}

inline void forward_to_scheduler(caf::actor_system& sys, caf::resumable* what) {
  sys.scheduler().enqueue(what);
}

/// Runs `what` for up to `max_messages` messages.
/// @returns the job again where it has more to do.
inline job run_job(caf::execution_unit* host, job what, size_t max_messages) {
  switch (what->resume(host, max_messages)) {
  case caf::resumable::resume_later:
    return what;
  case caf::resumable::shutdown_execution_unit:
  case caf::resumable::awaiting_message:
  case caf::resumable::done:
    break;
  }
  return nullptr;
}

/// Spawns an actor on `host`. It is hidden: it never holds up the end of the
/// actor system.
template <class Actor, class... Ts>
caf::actor spawn_pinned(caf::actor_system& sys, caf::execution_unit* host, Ts&&... xs) {
  caf::actor_config cfg{host};
  return sys.spawn_impl<Actor, caf::hidden + caf::lazy_init>(cfg, std::forward<Ts>(xs)...);
}

/// A message element that is filled, handled and emptied again, without a trip
/// through the allocator or a mailbox.
template <class T>
class reusable_element {
public:
  /// Says who sends what is handled from now on, or nobody.
  void sender(caf::strong_actor_ptr value) {
    element_.sender = std::move(value);
  }

  /// Lets `self` handle `value`, by its member function handle(T&): now, or in its turn where
  /// other messages come first. Must run on the actor's own host, with a strong reference to it
  /// held.
  template <class Actor>
  void deliver(Actor& self, T&& value) {
    if (busy_ || !self.idle()) {
      self.enqueue(caf::make_mailbox_element(element_.sender, caf::make_message_id(), {},
                                             std::move(value)),
                   nullptr);
      return;
    }
    busy_ = true;
    auto& content = std::get<0>(element_.data());
    content = std::move(value);
    self.handle_now(element_, [&] { self.handle(content); });
    content = T{};
    busy_ = false;
  }

private:
  caf::mailbox_element_vals<T> element_{nullptr, caf::make_message_id(),
                                        caf::mailbox_element::forwarding_stack{}, T{}};
  bool busy_ = false;
};

/// Sends a message that no handler sees: a response that nobody asked for, which CAF drops
/// in silence. When it is dropped, and `token` with it, the receiver has handled all that
/// was sent to it before.
template <class Token>
void send_fence(const caf::actor& receiver, Token token) {
  caf::message_id id{caf::message_id::default_async_value | caf::message_id::response_flag_mask
                     | caf::message_id::request_id_mask};
  receiver->enqueue(caf::make_mailbox_element(nullptr, id, {}, std::move(token)), nullptr);
}

/// Sends the answer to one of `receiver`'s requests; it is dropped where there was one before.
template <class T>
void send_response(const caf::actor& receiver, caf::message_id response, T answer) {
  receiver->enqueue(caf::make_mailbox_element(nullptr, response, {}, std::move(answer)), nullptr);
}

/// Calls `then` when `receiver`, an actor of any node, has handled all that `self` has sent
/// to it: a request that every event-based actor answers itself.
template <class F>
void when_caught_up(caf::event_based_actor& self, const caf::actor& receiver, F then) {
  self.request(receiver, caf::infinite, caf::atom("sys"), caf::atom("get"), std::string{"info"})
    .then([then](caf::atom_value, const std::string&, const caf::strong_actor_ptr&,
                 const std::string&) { then(); },
          [then](const caf::error&) { then(); });
}

// -- the scheduler ----------------------------------------------------------------------------

/// Lets the scheduler's threads sleep while there is nothing to do. Those of the default
/// policy, work stealing, look for work a hundred times a second.
inline void let_scheduler_sleep(caf::actor_system_config& cfg) {
  cfg.set("scheduler.policy", caf::atom("sharing"));
}

// -- message types ----------------------------------------------------------------------------

template <class IdBlock>
void add_message_types(caf::actor_system_config& cfg) {
  cfg.add_message_types<IdBlock>();
}

} // namespace pipeactor::detail
