#include "actors/adoption.hpp"

#include "actors/connection_actor.hpp"
#include "base/errors.hpp"

namespace pipeactor::detail {

namespace {

caf::actor spawn(bridge_connections& bridge, const connection_settings& settings,
                 connection_record_ptr& record) {
  port::pipe_settings pipe;
  pipe.mode = settings.options.mode;
  pipe.receive_limit = settings.receive_limit;
  auto account = caf::make_counted<read_account>(settings.options.read_queue_bytes,
                                                 settings.options.read_queue_messages,
                                                 bridge.memory());
  record = caf::make_counted<connection_record>(pipe, account, settings.coordinator_id,
                                                settings.outgoing);
  auto actor = spawn_pinned<connection_actor>(bridge.bridge().system(), &bridge.bridge(),
                                              bridge_connections_ptr{&bridge}, record, settings);
  record->owner = caf::actor_cast<caf::weak_actor_ptr>(actor);
  account->owner(record->owner);
  return actor;
}

/// Returns why a client is turned away, or nothing. Counts one that is not.
caf::error refusal(const connection_settings& settings, const port::completion_port& port,
                   connection_record& record) {
  if (auto err = check_access(settings, port, record.peer()))
    return err;
  if (settings.quota == nullptr)
    return caf::none;
  auto ticket = settings.quota->take(record.peer());
  if (!ticket)
    return errors::too_many_connections(to_string(record.peer()));
  record.quota = std::move(*ticket);
  return caf::none;
}

} // namespace

caf::actor spawn_connection(bridge_connections& bridge, const connection_settings& settings) {
  connection_record_ptr record;
  return spawn(bridge, settings, record);
}

void adopt(bridge_connections& bridge, const connection_settings& settings,
           port::raw_pipe_ptr raw) {
  connection_record_ptr record;
  caf::error refused;
  try {
    auto actor = spawn(bridge, settings, record);
    bridge.enroll(record);
    auto& port = *bridge.port();
    port.adopt(record, std::move(raw));
    refused = refusal(settings, port, *record);
    caf::anon_send(settings.coordinator, connection_opened{named_pipe_connection{actor}});
  } catch (...) {
    report_turned_away(std::current_exception());
    if (record)
      bridge.forget(*record);
    caf::anon_send(settings.coordinator, connection_opened{});
    return;
  }
  bridge.begin(*record, {std::move(refused)});
}

} // namespace pipeactor::detail
