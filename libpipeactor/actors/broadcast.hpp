#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/cookie.hpp"
#include "pipeactor/payload.hpp"
#include "pipeactor/requests.hpp"
#include "base/local_message_types.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace pipeactor::detail {

/// Every write of a broadcast has ended. To the server.
struct broadcast_ended {
  uint64_t id = 0;
  broadcast_result result;
};

/// Counts how the writes of one broadcast end. When its last reference is gone, the server is
/// notified. Any thread.
class broadcast_tracker {
public:
  broadcast_tracker(uint64_t id, caf::actor server);
  ~broadcast_tracker();

  broadcast_tracker(const broadcast_tracker&) = delete;
  broadcast_tracker& operator=(const broadcast_tracker&) = delete;

  void count(bool sent) noexcept {
    (sent ? sent_ : failed_).fetch_add(1, std::memory_order_relaxed);
  }

private:
  uint64_t id_;
  caf::actor server_;
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> failed_{0};
};

/// Empty if nobody asked how the broadcast ends.
using broadcast_tracker_ptr = std::shared_ptr<broadcast_tracker>;

/// One write of a broadcast. To a connection.
struct broadcast_write {
  payload data;
  pipeactor::cookie cookie;
  broadcast_tracker_ptr tracker;
};

/// Pass a broadcast to each connection of a server. To a bridge.
struct broadcast_job {
  uint64_t coordinator_id = 0;
  broadcast_write write;
};

} // namespace pipeactor::detail
