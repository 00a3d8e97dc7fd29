#include "actors/broadcast.hpp"

namespace pipeactor::detail {

broadcast_tracker::broadcast_tracker(uint64_t id, caf::actor server)
    : id_(id), server_(std::move(server)) {}

broadcast_tracker::~broadcast_tracker() {
  caf::anon_send(server_, broadcast_ended{id_, {sent_.load(), failed_.load()}});
}

} // namespace pipeactor::detail
