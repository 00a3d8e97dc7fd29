#include "pipeactor/actor_view.hpp"

#include "bridge/pipe_owner.hpp"

namespace pipeactor {

void detail::time_out_request(caf::event_based_actor& self, caf::message_id response,
                              caf::timespan timeout) {
  static_cast<pipe_owner&>(self).time_out_request(response, timeout);
}

} // namespace pipeactor
