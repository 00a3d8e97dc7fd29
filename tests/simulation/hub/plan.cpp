#include "plan.hpp"

#include "../dice.hpp"

namespace simulation::hub {

plan draw(uint64_t seed) {
  dice d{seed};
  plan p;
  p.seed = seed;
  p.steps = d.of({size_t{50}, size_t{200}, size_t{500}, size_t{1000}});
  p.clients = 1 + d.below(5);
  p.topics = 1 + d.below(6);
  for (auto& weight : p.weights)
    weight = d.of({0U, 1U, 4U, 16U});
  auto weight = [&](operation x) -> uint32_t& { return p.weights[static_cast<size_t>(x)]; };
  // Without these nothing happens.
  for (auto needed : {operation::connect, operation::arrive, operation::publish})
    weight(needed) = d.of({2U, 8U, 16U});
  for (auto seldom :
       {operation::cut, operation::disconnect, operation::crash, operation::unsubscribe})
    weight(seldom) = d.of({0U, 0U, 1U, 2U});
  p.short_turns = d.one_in(2);
  p.is_kept = !d.one_in(4);
  p.retains = d.of({0U, 2U, 6U});
  p.wills = d.of({0U, 1U, 3U});
  p.expiries = d.of({0U, 2U, 6U});
  p.clean_starts = d.of({0U, 2U, 8U});
  p.padding = d.of({size_t{0}, size_t{10}, size_t{300}});
  auto& o = p.hub;
  o.receive_maximum = static_cast<uint16_t>(d.of({1, 2, 5, 1024}));
  o.send_maximum = static_cast<uint16_t>(d.of({1, 2, 5, 1024}));
  o.longest_keep_alive = static_cast<uint16_t>(d.of({0, 3, 60}));
  o.queue_messages = d.of({size_t{1}, size_t{3}, size_t{10}, size_t{10000}});
  o.queue_bytes = d.of({size_t{100}, size_t{1000}, size_t{1} << 20});
  o.overflow = static_cast<pipehub::overflow>(d.below(3));
  o.window = d.of({size_t{1}, size_t{100}, size_t{1000}, size_t{1} << 18});
  o.largest_write = d.of({size_t{1}, size_t{200}, size_t{1} << 16});
  // A client that is given up must be known at once.
  p.short_turns = p.short_turns || o.overflow == pipehub::overflow::disconnect;
  return p;
}

} // namespace simulation::hub
