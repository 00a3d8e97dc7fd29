// Messages that come from other nodes: each type loads from any bytes, or says that it cannot; what
// was loaded can be saved, and loads again as the same.

#include "pipeactor/all.hpp"
#include "fuzz.hpp"

#include <caf/all.hpp>

#include <vector>

using namespace pipeactor;

namespace {

caf::actor_system& shared_system() {
  // Never destroyed: at the end of the process CAF's own objects go first.
  static auto* config = new caf::actor_system_config;
  static auto* result = new caf::actor_system{*config};
  return *result;
}

template <class T>
void check(std::string_view bytes) {
  auto& system = shared_system();
  std::vector<char> input{bytes.begin(), bytes.end()};
  T loaded;
  caf::binary_deserializer source{system, input};
  if (source(loaded))
    return;
  std::vector<char> saved;
  caf::binary_serializer sink{system, saved};
  fuzz::require(!sink(loaded), "what was loaded can be saved");
  T again;
  caf::binary_deserializer second_source{system, saved};
  fuzz::require(!second_source(again), "what was saved can be loaded");
  std::vector<char> saved_again;
  caf::binary_serializer second_sink{system, saved_again};
  fuzz::require(!second_sink(again), "what was loaded again can be saved");
  fuzz::require(saved == saved_again, "a message is the same after saving and loading");
}

using checker = void (*)(std::string_view);

#define PIPEACTOR_CHECKER(name) check<pipeactor::name>,
constexpr checker checkers[] = {check<payload>,
                                check<cookie>,
                                check<peer_identity>,
                                check<named_pipe_connection>,
                                check<std::vector<named_pipe_connection>>,
                                PIPEACTOR_EVENTS(PIPEACTOR_CHECKER)
                                  PIPEACTOR_REQUESTS(PIPEACTOR_CHECKER)
                                    PIPEACTOR_ANSWERS(PIPEACTOR_CHECKER)};
#undef PIPEACTOR_CHECKER

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::input in{data, size};
  auto which = in.byte() % std::size(checkers);
  checkers[which](in.rest());
  return 0;
}
