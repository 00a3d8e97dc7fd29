#include "pipeactor/named_pipe_connection.hpp"

#include "pipeactor/requests.hpp"
#include "pipeactor/type_ids.hpp"
#include "actors/connection_record.hpp"
#include "base/errors.hpp"
#include "bridge/pipe_owner.hpp"

namespace pipeactor {

named_pipe_connection::named_pipe_connection(caf::actor actor) noexcept : actor_(std::move(actor)) {
  auto* base = actor_ ? caf::actor_cast<caf::abstract_actor*>(actor_) : nullptr;
  if (auto* local = dynamic_cast<detail::pipe_owner*>(base))
    record_ = &static_cast<detail::connection_record&>(local->pipe());
  if (record_ != nullptr)
    id_ = record_->id();
}

named_pipe_connection::named_pipe_connection(caf::actor actor,
                                             detail::connection_record& record) noexcept
    : actor_(std::move(actor)), id_(record.id()), record_(&record) {}

named_pipe_connection::portable named_pipe_connection::portable_image() const {
  auto is_closed = record_ != nullptr && record_->state() == port::pipe_state::closed;
  return {is_closed ? caf::actor{} : actor_, id_};
}

caf::error named_pipe_connection::check_cookie(const pipeactor::cookie& cookie) const {
  if (!actor_)
    return errors::empty_handle();
  return is_local() ? caf::error{} : cookie.check_portable();
}

caf::error named_pipe_connection::async_write(payload data, pipeactor::cookie cookie) const {
  if (data.empty())
    return caf::none;
  if (auto err = check_cookie(cookie))
    return err;
  caf::anon_send(actor_, pipeactor::async_write{std::move(data), std::move(cookie)});
  return caf::none;
}

caf::error named_pipe_connection::async_read(pipeactor::cookie cookie) const {
  if (auto err = check_cookie(cookie))
    return err;
  caf::anon_send(actor_, pipeactor::async_read{std::move(cookie)});
  return caf::none;
}

void named_pipe_connection::async_close() const {
  caf::anon_send(actor_, pipeactor::async_close{});
}

void named_pipe_connection::close_after_drain(caf::timespan deadline) const {
  caf::anon_send(actor_, pipeactor::close_after_drain{deadline});
}

bool named_pipe_connection::is_connected() const noexcept {
  return record_ != nullptr && record_->is_connected();
}

bool named_pipe_connection::is_opening() const noexcept {
  return record_ != nullptr && record_->state() == port::pipe_state::opening;
}

native_handle_type named_pipe_connection::native_handle() const noexcept {
  return record_ != nullptr ? record_->native_handle() : invalid_native_handle;
}

caf::expected<peer_identity> named_pipe_connection::peer() const {
  if (record_ == nullptr)
    return make_error(errc::not_local);
  return record_->peer();
}

std::any* named_pipe_connection::custom_data() const noexcept {
  return record_ != nullptr ? &record_->custom_data : nullptr;
}

} // namespace pipeactor
