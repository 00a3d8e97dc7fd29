#include "pipeactor/actor_view.hpp"

#include "base/log.hpp"
#include "base/special_messages.hpp"
#include "bridge/pipe_owner.hpp"

#include <cstdlib>
#include <string>

namespace pipeactor::detail {

void time_out_request(caf::event_based_actor& self, caf::message_id response,
                      caf::timespan timeout) {
  static_cast<pipe_owner&>(self).time_out_request(response, timeout);
}

void send_later(caf::event_based_actor* self, caf::actor_system& system,
                caf::strong_actor_ptr destination, caf::timespan delay, caf::message message) {
  if (!destination)
    return;
  if (self != nullptr)
    static_cast<pipe_owner*>(self)->send_later(std::move(destination), delay, std::move(message));
  else
    send_by_clock(system, std::move(destination), delay, std::move(message));
}

void no_actor(const char* function) {
  log_warning(std::string{"self()."} + function
              + " was called in a session's constructor or destructor, where it has no actor: call "
                "it inside a handler. The program ends");
  std::abort();
}

} // namespace pipeactor::detail
