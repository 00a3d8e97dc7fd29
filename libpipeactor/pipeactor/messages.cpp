#include "pipeactor/messages.hpp"

namespace pipeactor {

caf::message_handler ignore_events() {
  return {
    [](const server_ready&) {},
    [](const client_connected&) {},
    [](const client_message_received&) {},
    [](const client_message_sent&) {},
    [](const client_message_failed&) {},
    [](const client_disconnected&) {},
    [](const connected&) {},
    [](const connect_failed&) {},
    [](const message_received&) {},
    [](const message_sent&) {},
    [](const message_failed&) {},
    [](const reconnecting&) {},
    [](const disconnected&) {},
  };
}

void add_message_types(caf::actor_system_config& config) {
  detail::add_message_types<caf::id_block::pipeactor>(config);
}

} // namespace pipeactor
