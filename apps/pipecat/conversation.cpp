#include "conversation.hpp"

namespace {

/// Standard input is not read while this much waits to be sent. The connection's write queue
/// holds more (pipeactor::connection_options), so it never refuses a message.
constexpr size_t most_unsent = 16384;
constexpr size_t most_unsent_bytes = size_t{4} << 20;

} // namespace

bool conversation::status::has_room() const noexcept {
  return unsent < most_unsent && unsent_bytes < most_unsent_bytes;
}

conversation::status conversation::now() const {
  std::lock_guard guard{mutex_};
  return status_;
}

template <class F>
void conversation::change(F f) {
  std::unique_lock lock{mutex_};
  auto before = status_;
  f(status_);
  status_.last_sign = clock::now();
  auto& after = status_;
  auto matters = after.connected != before.connected || after.ended != before.ended
                 || after.has_room() != before.has_room()
                 || (after.unsent == 0 && before.unsent != 0)
                 || (after.replies >= expected_ && before.replies < expected_);
  lock.unlock();
  if (matters)
    terminal_.notify();
}

void conversation::written(size_t bytes) {
  change([&](status& x) {
    ++x.unsent;
    x.unsent_bytes += bytes;
  });
}

void conversation::connected() {
  change([](status& x) { x.connected = true; });
}

void conversation::replied(uint64_t count) {
  change([&](status& x) { x.replies += count; });
}

void conversation::sent(size_t bytes) {
  change([&](status& x) {
    --x.unsent;
    x.unsent_bytes -= bytes;
  });
}

void conversation::failed(size_t bytes, const caf::error& why) {
  change([&](status& x) {
    --x.unsent;
    x.unsent_bytes -= bytes;
    if (x.lost++ == 0)
      x.loss = why;
  });
}

void conversation::ended(const caf::error& reason) {
  change([&](status& x) {
    x.ended = true;
    x.reason = reason;
  });
}
