#include "pipeactor/messages.hpp"

namespace pipeactor {

caf::message_handler ignore_events() {
#define PIPEACTOR_IGNORE(event) [](const event&) {},
  return {PIPEACTOR_EVENTS(PIPEACTOR_IGNORE)};
#undef PIPEACTOR_IGNORE
}

void add_message_types(caf::actor_system_config& config) {
  detail::add_message_types<caf::id_block::pipeactor>(config);
}

} // namespace pipeactor
