#include "actors/read_account.hpp"
#include "base/marks.hpp"

namespace pipeactor::detail {

bool read_account::pause() noexcept {
  if (paused_.exchange(true))
    return true;
  pass(mark::reading_paused);
  // Another thread may have released everything before it could see the flag.
  return stays_paused() || !paused_.exchange(false);
}

bool read_account::stays_paused() noexcept {
  auto level = level_.load();
  return above(level, 2) || (level != 0 && memory_->exhausted() && wait_for_memory());
}

bool read_account::wait_for_memory() noexcept {
  // One call is enough, however often this is paused until it comes.
  if (waits_.exchange(true))
    return memory_->exhausted();
  pass(mark::memory_awaited);
  return memory_->wait(this);
}

void read_account::resume() noexcept {
  if (!paused_.load() || stays_paused() || !paused_.exchange(false))
    return;
  pass(mark::reading_resumed);
  if (auto owner = caf::actor_cast<caf::actor>(owner_))
    caf::anon_send(owner, resume_reading{});
}

void read_account::payload_released(size_t size) noexcept {
  // The reference that payload_received() took.
  caf::intrusive_ptr<read_account> self{this, false};
  auto level = level_.fetch_sub(entry(size)) - entry(size);
  memory_->moved(bytes_of(level) + size, bytes_of(level));
  resume();
}

void read_account::memory_released() noexcept {
  // Before the state is looked at: who waits from now on needs another call.
  waits_.store(false);
  pass(mark::memory_came_back);
  resume();
}

} // namespace pipeactor::detail
