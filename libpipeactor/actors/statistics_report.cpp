#include "actors/statistics_report.hpp"

#include "pipeactor/error.hpp"

#include <memory>

namespace pipeactor::detail {

namespace {

struct gathering {
  caf::response_promise promise;
  statistics result;
  size_t missing = 0;

  void failed() {
    if (promise.pending())
      promise.deliver(make_error(errc::shutting_down));
  }

  void take(const bridge_report& report) {
    result.bridges.push_back(report.bridge);
    result.connections.insert(result.connections.end(), report.connections.begin(),
                              report.connections.end());
    if (--missing == 0 && promise.pending())
      promise.deliver(std::move(result));
  }
};

} // namespace

void gather_statistics(caf::event_based_actor& self,
                       const std::vector<bridge_connections_ptr>& bridges, uint64_t coordinator_id,
                       caf::response_promise promise) {
  auto state = std::make_shared<gathering>();
  state->promise = std::move(promise);
  state->missing = bridges.size();
  auto& memory = *bridges.front()->memory();
  state->result.queued_bytes = memory.bytes();
  state->result.memory_limit = memory.limit();
  for (auto& bridge : bridges) {
    auto actor = bridge->actor();
    if (!actor) {
      state->failed();
      return;
    }
    self.request(actor, caf::infinite, get_bridge_report{coordinator_id})
      .then([state](const bridge_report& report) { state->take(report); },
            [state](const caf::error&) { state->failed(); });
  }
}

} // namespace pipeactor::detail
