#include "world_state.hpp"

#include "codec/decode.hpp"

#include <algorithm>
#include <exception>
#include <numeric>

namespace simulation::hub {

using pipehub::link_id;
using std::chrono::milliseconds;

outcome run(const plan& p) {
  world w{p};
  std::string failure;
  try {
    w.run();
  } catch (const std::exception& e) {
    failure = e.what();
  }
  return {std::move(w.history), failure};
}

world::world(const plan& p) : plan_(p), dice_(~p.seed), model_(p.hub), kept_(p.hub) {
  for (size_t i = 0; i < p.clients; ++i)
    clients_.emplace_back("c" + std::to_string(i), dice_.one_in(2) ? version::v5 : version::v311);
  begin();
}

void world::note(std::string text) {
  auto ms = std::chrono::duration_cast<milliseconds>(now_ - time_point{}).count();
  history.push_back(std::to_string(ms) + ' ' + std::move(text));
}

void world::begin() {
  hub_.emplace(plan_.hub, static_cast<pipehub::link_output&>(*this),
               plan_.is_kept ? &journal_ : nullptr);
  if (plan_.is_kept)
    hub_->restore(journal_.committed(), now_);
}

void world::run() {
  note("queues of " + std::to_string(plan_.hub.queue_messages) + " messages and "
       + std::to_string(plan_.hub.queue_bytes) + " bytes, policy "
       + std::to_string(static_cast<int>(plan_.hub.overflow)) + ", window "
       + std::to_string(plan_.hub.window) + (plan_.is_kept ? ", kept" : ", not kept"));
  flush();
  for (size_t i = 0; i < plan_.steps; ++i)
    step();
  note("calm");
  calm();
}

void world::step() {
  auto total = std::accumulate(plan_.weights.begin(), plan_.weights.end(), uint32_t{0});
  auto at = static_cast<uint32_t>(dice_.below(total));
  size_t chosen = 0;
  for (; at >= plan_.weights[chosen]; ++chosen)
    at -= plan_.weights[chosen];
  auto index = dice_.below(clients_.size());
  auto& who = clients_[index];
  auto* link = wire_of(index);
  auto what = static_cast<operation>(chosen);
  if (what == operation::connect) {
    if (link == nullptr || dice_.one_in(20))
      connect_client(index, false);
  } else if (what == operation::wait) {
    pass(milliseconds{dice_.below(dice_.of({size_t{10}, size_t{3000}, size_t{20000}}))});
  } else if (what == operation::flush) {
    flush();
  } else if (what == operation::crash) {
    if (dice_.one_in(5))
      crash();
  } else if (link == nullptr) {
    return;
  } else if (what == operation::arrive) {
    arrive(index, dice_.one_in(2) ? SIZE_MAX : 1 + dice_.below(60));
  } else if (what == operation::take) {
    take(*link, 1 + dice_.below(4));
  } else if (what == operation::read) {
    read(index, 1 + dice_.below(6));
  } else if (what == operation::answer) {
    who.answer(1 + dice_.below(4));
  } else if (what == operation::cut) {
    read(index, dice_.below(4));
    if (auto* still = wire_of(index); still != nullptr)
      end(std::find_if(wires_.begin(), wires_.end(), [still](auto& x) {
            return &x.second == still;
          })->first);
  } else if (!who.is_accepted) {
    return;
  } else if (what == operation::publish) {
    publish_from(index);
  } else if (what == operation::subscribe) {
    subscribe_client(index);
  } else if (what == operation::unsubscribe) {
    unsubscribe_client(index);
  } else {
    act x;
    x.type = what == operation::ping ? packet_type::pingreq : packet_type::disconnect;
    if (what == operation::disconnect && who.protocol == version::v5 && dice_.one_in(3))
      x.code = reason::disconnect_with_will;
    who.send(x);
    // A client says nothing after DISCONNECT.
    who.is_accepted = what == operation::ping;
  }
  if (plan_.short_turns)
    flush();
}

// -- the hub ----------------------------------------------------------------------------------

void world::write(link_id to, pipeactor::payload packets) {
  outputs_.push_back({to, std::move(packets)});
}

void world::close(link_id which, pipehub::farewell) {
  outputs_.push_back({which, std::nullopt});
}

void world::flush() {
  outputs_.clear();
  hub_->flush(now_);
  auto all = std::exchange(outputs_, {});
  // What the hub decided by itself comes first: wills of these clients may be among the rest.
  std::vector<link_id> given_up;
  for (auto& x : all)
    if (!x.packets && !model_.is_closing(x.to))
      given_up.push_back(x.to);
  // Silence first: the wills of these clients can fill the queues of others.
  std::sort(given_up.begin(), given_up.end(), [this](link_id a, link_id b) {
    return std::pair{!model_.is_silent(a, now_), a} < std::pair{!model_.is_silent(b, now_), b};
  });
  for (auto id : given_up) {
    for (auto& x : all)
      if (x.to == id && x.packets)
        check_write(x);
    note("the hub gives up connection " + std::to_string(id));
    model_.closed_by_hub(id, now_);
  }
  for (auto& x : all) {
    if (!x.packets)
      wires_.at(x.to).is_closing = true;
    else if (std::find(given_up.begin(), given_up.end(), x.to) == given_up.end())
      check_write(x);
  }
  model_.end_turn(now_);
  kept_ = model_;
  std::vector<link_id> left;
  for (auto& [id, x] : wires_)
    if (x.is_left && x.is_closing)
      left.push_back(id);
  for (auto id : left) {
    hub_->closed(id, now_);
    model_.closed(id, now_);
    wires_.erase(id);
  }
}

void world::check_write(const output& x) {
  auto& to = wires_.at(x.to);
  auto& who = clients_[to.client];
  if (to.is_closing)
    throw broken_rule("something is written after a close");
  frame_reader reader{side::server, largest_varint};
  reader.protocol(who.protocol);
  reader.feed(x.packets->text());
  std::vector<arrival> arrivals;
  while (auto next = reader.next()) {
    packet sent;
    if (auto error = decode(next->first, next->body, who.protocol, side::server, sent))
      throw broken_rule("a wrong packet: " + describe(*error));
    arrival added;
    added.type = static_cast<packet_type>(next->first >> 4);
    auto text = describe(sent);
    if (auto* p = std::get_if<publish>(&sent)) {
      added.packet_id = p->packet_id;
      added.qos = p->qos;
      text += ' ' + std::to_string(p->packet_id) + ' ' + std::string{p->topic} + " QoS "
              + std::to_string(p->qos) + (p->dup ? " dup " : " ")
              + std::string{p->payload.substr(0, p->payload.find(' '))};
    } else if (auto* p = std::get_if<answer>(&sent)) {
      added.packet_id = p->packet_id;
    } else if (auto* p = std::get_if<connack>(&sent)) {
      added.session_present = p->session_present;
    }
    note("to " + who.id + " (" + std::to_string(x.to) + "): " + text);
    added.delivery = model_.sent(x.to, sent, now_);
    arrivals.push_back(added);
  }
  if (reader.error() || reader.in_packet())
    throw broken_rule("a write has no whole packets");
  to.writes.push_back(std::move(arrivals));
}

void world::end(link_id id) {
  // What the hub has for it is on its way.
  flush();
  auto found = wires_.find(id);
  if (found == wires_.end())
    return;
  auto& which = found->second;
  note("connection " + std::to_string(id) + " ends");
  if (!which.is_left) {
    clients_[which.client].is_accepted = false;
    clients_[which.client].out.clear();
  }
  wires_.erase(found);
  hub_->closed(id, now_);
  model_.closed(id, now_);
}

void world::crash() {
  note("crash");
  for (size_t i = 0; i < clients_.size(); ++i) {
    read(i, dice_.below(5));
    clients_[i].is_accepted = false;
    clients_[i].out.clear();
  }
  wires_.clear();
  hub_.reset();
  journal_.crash();
  if (dice_.one_in(2))
    now_ += milliseconds{dice_.below(20000)};
  model_ = kept_;
  model_.crash(now_, plan_.is_kept);
  begin();
  flush();
}

void world::pass(milliseconds time) {
  flush();
  auto end = now_ + time;
  auto tick = [this] {
    hub_->tick(now_);
    model_.tick(now_);
    flush();
  };
  for (auto next = hub_->next_tick(); next && *next <= end; next = hub_->next_tick()) {
    now_ = std::max(now_, *next);
    tick();
  }
  now_ = end;
  tick();
}

} // namespace simulation::hub
