#include "pipeactor/session.hpp"

#include "pipeactor/error.hpp"
#include "actors/connection_base.hpp"
#include "base/log.hpp"

#include <type_traits>

namespace pipeactor {

// A session has a function for each event of a connection.
#define PIPEACTOR_CHECK(event)                                                                     \
  static_assert(std::is_member_function_pointer_v<decltype(&session::event)>);
PIPEACTOR_CLIENT_EVENTS(PIPEACTOR_CHECK)
#undef PIPEACTOR_CHECK

session::~session() = default;

void session::connected() {}

void session::connect_failed(const caf::error&) {}

void session::message_received(const pipeactor::cookie&, const payload&) {}

void session::message_sent(const pipeactor::cookie&) {}

void session::message_failed(const pipeactor::cookie&, const caf::error&) {}

void session::reconnecting(const caf::error&, caf::timespan) {}

void session::disconnected(const caf::error&) {}

void session::down(const caf::down_msg&) {}

caf::message_handler session::message_handlers() {
  return {};
}

void session::warn_of(const char* function) {
  detail::log_warning(std::string{"a session called "} + function
                      + " in its constructor or destructor, where it has no connection: nothing "
                        "happens");
}

void session::async_write(payload data, pipeactor::cookie cookie) {
  if (auto* owner = owner_for("async_write"))
    owner->write(std::move(data), std::move(cookie));
}

void session::async_read(pipeactor::cookie cookie) {
  if (auto* owner = owner_for("async_read"))
    owner->read(std::move(cookie));
}

void session::async_close() {
  if (auto* owner = owner_for("async_close"))
    owner->close(make_error(errc::closed_by_us));
}

void session::close_after_drain(caf::timespan deadline) {
  if (auto* owner = owner_for("close_after_drain"))
    owner->close_after_drain(deadline);
}

void session::fail(const std::string& text) {
  if (auto* owner = owner_for("fail"))
    owner->close(make_error(errc::handler_failed, text));
}

actor_view session::self() const {
  return actor_view{owner_, system_};
}

named_pipe_connection session::connection() const {
  if (owner_ == nullptr)
    return {};
  return named_pipe_connection{caf::actor{owner_}, owner_->record()};
}

} // namespace pipeactor
