#include "port/slot_table.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace pipeactor;
using namespace pipeactor::port;

namespace {

struct test_slot : pipe_slot {
  int value = 0;
};

using table = slot_table<test_slot>;

pipe_record_ptr make_pipe() {
  return caf::make_counted<pipe_record>(1, pipe_settings{});
}

std::vector<uint32_t> served(table& slots) {
  std::vector<uint32_t> result;
  slots.serve_dirty([&](test_slot& s) { result.push_back(s.index); });
  return result;
}

} // namespace

TEST_CASE("slot_table finds a pipe's slot until it is released") {
  table slots;
  auto pipe = make_pipe();
  CHECK(slots.slot_of(*pipe) == nullptr);
  auto& s = slots.take(pipe);
  CHECK(slots.slot_of(*pipe) == &s);
  CHECK(s.pipe == pipe);
  CHECK_FALSE(slots.empty());
  CHECK(slots.release(s) == pipe);
  CHECK(slots.slot_of(*pipe) == nullptr);
  CHECK(slots.empty());
}

TEST_CASE("slot_table uses a released slot again, cleared") {
  table slots;
  auto& first = slots.take(make_pipe());
  first.value = 1;
  first.life = life_state::cancelled;
  first.input = input_state::read_out;
  first.reads_wanted = pipe_slot::every_message;
  slots.release(first);
  auto& second = slots.take(make_pipe());
  CHECK(&second == &first);
  CHECK(slots.size() == 1);
  CHECK(second.value == 0);
  CHECK_FALSE(second.closing());
  CHECK(second.input == input_state::open);
  CHECK_FALSE(second.wants_read());
  slots.release(second);
}

TEST_CASE("slot_table turns late completions of an earlier pipe away") {
  table slots;
  auto& s = slots.take(make_pipe());
  auto generation = s.generation;
  CHECK(slots.find(s.index, generation) == &s);
  slots.release(s);
  CHECK(slots.find(0, generation) == nullptr);
  slots.take(make_pipe());
  CHECK(slots.find(0, generation) == nullptr);
  CHECK(slots.find(0, static_cast<uint16_t>(generation + 1)) == &s);
  slots.release(s);
}

TEST_CASE("slot_table leaves slots at their addresses") {
  table slots;
  std::vector<test_slot*> taken;
  for (int count = 0; count < 1000; ++count)
    taken.push_back(&slots.take(make_pipe()));
  for (auto* s : taken) {
    CHECK(&slots[s->index] == s);
    slots.release(*s);
  }
}

TEST_CASE("slot_table serves each marked slot once, and so the slot of a new pipe") {
  table slots;
  auto& a = slots.take(make_pipe());
  auto& b = slots.take(make_pipe());
  CHECK(served(slots) == std::vector<uint32_t>{0, 1});
  CHECK_FALSE(slots.has_dirty());
  CHECK(served(slots).empty());
  slots.mark_dirty(b);
  slots.mark_dirty(b);
  CHECK(slots.has_dirty());
  CHECK(served(slots) == std::vector<uint32_t>{1});
  slots.release(a);
  slots.release(b);
}

TEST_CASE("slot_table serves a slot that a callback marked in the next turn") {
  table slots;
  auto& a = slots.take(make_pipe());
  int calls = 0;
  slots.serve_dirty([&](test_slot& s) {
    ++calls;
    slots.mark_dirty(s);
    if (calls == 1)
      slots.take(make_pipe());
  });
  CHECK(calls == 1);
  CHECK(served(slots) == std::vector<uint32_t>{0, 1});
  slots.release(a);
  slots.release(slots[1]);
}

TEST_CASE("slot_table does not serve a slot that was released since it was marked") {
  table slots;
  auto& a = slots.take(make_pipe());
  slots.release(a);
  CHECK(served(slots).empty());
  // Marked by its first pipe and by its second, but served once.
  slots.take(make_pipe());
  slots.release(a);
  slots.take(make_pipe());
  CHECK(served(slots) == std::vector<uint32_t>{0});
  slots.release(a);
}

TEST_CASE("slot_table visits each slot that has a pipe") {
  table slots;
  auto& a = slots.take(make_pipe());
  auto& b = slots.take(make_pipe());
  auto& c = slots.take(make_pipe());
  slots.release(b);
  std::vector<test_slot*> visited;
  slots.for_each([&](test_slot& s) {
    visited.push_back(&s);
    slots.release(s);
  });
  CHECK(visited == std::vector<test_slot*>{&a, &c});
  CHECK(slots.empty());
}

TEST_CASE("pipe_slot wants to read while reads are asked for and input may come") {
  pipe_slot s;
  CHECK_FALSE(s.wants_read());
  s.reads_wanted = 2;
  CHECK(s.wants_read());
  s.count_read();
  s.count_read();
  CHECK_FALSE(s.wants_read());
  // A message that was received before a pause is delivered, and counts for no read.
  s.count_read();
  CHECK(s.reads_wanted == 0);
  s.reads_wanted = pipe_slot::every_message;
  s.count_read();
  CHECK(s.wants_read());
  s.input = input_state::hung_up;
  CHECK(s.wants_read());
  s.input = input_state::cut_off;
  CHECK_FALSE(s.wants_read());
  s.input = input_state::open;
  s.life = life_state::closing;
  CHECK_FALSE(s.wants_read());
}
