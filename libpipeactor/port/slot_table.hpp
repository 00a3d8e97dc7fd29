#pragma once

// The table of a port's pipes: a slot for each, and the list of those with requests. Bridge thread
// only.

#include "base/ring_queue.hpp"
#include "port/life_state.hpp"
#include "port/pipe_record.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <utility>
#include <vector>

namespace pipeactor::port {

/// How far a pipe's input has got. It only moves down this list.
enum class input_state : uint8_t {
  /// The peer may still write.
  open,
  /// The peer writes no more, and was seen to leave while reading was paused: its last words may
  /// be unread.
  hung_up,
  /// on_read_ended was reported, and unread input may be left: an error, or a message that is
  /// too long.
  cut_off,
  /// on_read_ended was reported after all that the peer wrote.
  read_out,
};

/// The data of a pipe that every port keeps; the slot of a port derives from it. Every `input` goes
/// with every `life`. Once `life` is not open, only failed writes and on_closed are reported.
struct pipe_slot {
  /// Reading was started.
  static constexpr uint32_t every_message = UINT32_MAX;

  /// The pipe, or nullptr while the slot is free.
  pipe_record_ptr pipe;
  /// All writes that were not reported, oldest first.
  detail::ring_queue<payload> writes;
  /// Bytes of the oldest write that have left already (byte mode).
  size_t front_offset = 0;
  uint32_t index = 0;
  /// Messages to deliver, or `every_message`; 0 while reading is paused.
  uint32_t reads_wanted = 0;
  /// How many pipes had this slot before: distinguishes their late completions from ours.
  uint16_t generation = 0;
  input_state input = input_state::open;
  life_state life = life_state::open;
  /// The peer left without reading all that we sent: why the input ends, once it was read.
  bool reset = false;
  /// Is in the list of slots to serve.
  bool dirty = false;

  bool closing() const noexcept {
    return life != life_state::open;
  }

  bool reading_ended() const noexcept {
    return input >= input_state::cut_off;
  }

  /// Returns whether input is to be delivered if there is any.
  bool wants_read() const noexcept {
    return reads_wanted > 0 && !reading_ended() && !closing();
  }

  /// Forgets the oldest `count` writes.
  void drop_writes(size_t count) {
    for (; count > 0; --count)
      writes.pop_front();
  }

  /// Counts a message that is about to be delivered.
  void count_read() noexcept {
    if (reads_wanted > 0 && reads_wanted != every_message)
      --reads_wanted;
  }
};

/// The slots of a port. A slot stays at its address, so that the system may point to it and a
/// callback may adopt another pipe while it is in use. `Slot` derives from `pipe_slot`.
template <class Slot>
class slot_table {
public:
  slot_table() = default;
  slot_table(const slot_table&) = delete;
  slot_table& operator=(const slot_table&) = delete;

  /// All pipes were closed before.
  ~slot_table() {
    assert(empty());
  }

  bool empty() const noexcept {
    return free_.size() == slots_.size();
  }

  /// Returns the number of slots, used and free.
  size_t size() const noexcept {
    return slots_.size();
  }

  Slot& operator[](uint32_t index) noexcept {
    assert(index < slots_.size());
    return slots_[index];
  }

  /// Returns the slot of a pipe, or nullptr if no port has it.
  Slot* slot_of(const pipe_record& pipe) noexcept {
    if (pipe.slot == pipe_record::no_slot)
      return nullptr;
    assert(slots_[pipe.slot].pipe.get() == &pipe);
    return &slots_[pipe.slot];
  }

  /// Returns `front_offset` of a pipe, 0 if no port has it.
  size_t front_offset_of(const pipe_record& pipe) noexcept {
    auto* s = slot_of(pipe);
    return s != nullptr ? s->front_offset : 0;
  }

  /// Returns the slot that a completion names, or nullptr if its pipe is gone.
  Slot* find(uint32_t index, uint16_t generation) noexcept {
    auto& s = (*this)[index];
    return s.pipe != nullptr && s.generation == generation ? &s : nullptr;
  }

  /// Gives a pipe a slot, which is served in the next turn. Only this function allocates; if it
  /// throws, nothing has changed.
  Slot& take(pipe_record_ptr pipe) {
    assert(pipe->slot == pipe_record::no_slot);
    if (free_.empty()) {
      auto index = static_cast<uint32_t>(slots_.size());
      for (auto* list : {&free_, &dirty_, &serving_})
        if (list->capacity() <= index)
          list->reserve(std::max<size_t>(2 * slots_.size(), 16));
      slots_.emplace_back().index = index;
      free_.push_back(index);
    }
    auto& s = slots_[free_.back()];
    free_.pop_back();
    pipe->slot = s.index;
    s.pipe = std::move(pipe);
    mark_dirty(s);
    return s;
  }

  /// Clears a slot for another pipe.
  /// @returns the pipe that had it
  pipe_record_ptr release(Slot& s) noexcept {
    auto pipe = std::move(s.pipe);
    auto index = s.index;
    auto generation = static_cast<uint16_t>(s.generation + 1);
    // The index stays in its list.
    auto dirty = s.dirty;
    s = Slot{};
    s.index = index;
    s.generation = generation;
    s.dirty = dirty;
    pipe->slot = pipe_record::no_slot;
    free_.push_back(index);
    return pipe;
  }

  /// Makes the next serve_dirty() visit a slot.
  void mark_dirty(Slot& s) noexcept {
    if (!std::exchange(s.dirty, true))
      dirty_.push_back(s.index);
  }

  bool has_dirty() const noexcept {
    return !dirty_.empty();
  }

  /// Calls `serve` with each slot that was marked before the call. Slots that callbacks mark
  /// meanwhile are served in the next turn, so that no pipe can keep the others waiting.
  template <class F>
  void serve_dirty(F serve) {
    assert(serving_.empty());
    serving_.swap(dirty_);
    for (auto index : serving_)
      // Without a pipe: it was released after it was marked.
      if (auto& s = slots_[index]; std::exchange(s.dirty, false) && s.pipe != nullptr)
        serve(s);
    serving_.clear();
  }

  /// Calls `f` with each slot that has a pipe; `f` may release it.
  template <class F>
  void for_each(F f) {
    for (size_t index = 0; index < slots_.size(); ++index)
      if (slots_[index].pipe != nullptr)
        f(slots_[index]);
  }

private:
  std::deque<Slot> slots_;
  // Each index is in a list once at most, and each list has room for all of them.
  std::vector<uint32_t> free_;
  std::vector<uint32_t> dirty_;
  std::vector<uint32_t> serving_;
};

} // namespace pipeactor::port
