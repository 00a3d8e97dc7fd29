#include "actors/access_lookup.hpp"

namespace pipeactor::detail {

namespace {

/// Answers one request.
caf::behavior lookup_actor(caf::event_based_actor* self, const pipe_access& whom) {
  return {[self, whom](const look_up&) -> caf::result<looked_up> {
    self->quit();
    auto access = port::resolve(whom);
    if (!access)
      return std::move(access.error());
    return looked_up{std::move(*access)};
  }};
}

} // namespace

void look_up_access(caf::event_based_actor& self, const pipe_access& access,
                    std::function<void(caf::expected<port::resolved_access>)> then) {
  if (access.principals().empty()) {
    then(port::resolve(access));
    return;
  }
  auto helper = self.system().spawn<caf::detached + caf::hidden>(lookup_actor, access);
  self.request(helper, caf::infinite, look_up{})
    .then([then](const looked_up& x) { then(x.access); },
          [then](caf::error& err) { then(std::move(err)); });
}

} // namespace pipeactor::detail
