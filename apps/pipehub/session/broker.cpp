#include "session/broker.hpp"

#include "codec/decode.hpp"

namespace pipehub {

using namespace mqtt;

broker::broker(const broker_options& options, link_output& output, journal* log)
    : context_{options, output, {}}, journal_(log) {}

broker::~broker() = default;

link* broker::find(link_id id) {
  auto found = links_.find(id);
  return found != links_.end() ? found->second.get() : nullptr;
}

// -- events of connections --------------------------------------------------------------------

void broker::opened(link_id id, std::string user, time_point now) {
  auto expire = [this, id](time_point at) {
    if (auto* which = find(id))
      at_silence(*which, at);
  };
  auto added = std::make_unique<link>(context_, id, std::move(user), expire);
  added->longest_silence = context_.options.connect_timeout;
  added->last_packet = now;
  added->silence.set(deadlines_, now + added->longest_silence);
  links_[id] = std::move(added);
}

void broker::received(link_id id, std::string_view bytes, time_point now) {
  auto* from = find(id);
  if (from == nullptr || from->is_closing())
    return;
  from->reader.feed(bytes);
  handle_frames(*from, now);
  settle(now);
}

void broker::handle_frames(link& from, time_point now) {
  while (!from.is_closing()) {
    auto next = from.reader.next();
    if (!next) {
      if (auto& error = from.reader.error())
        end_with(from, *error, now);
      return;
    }
    from.last_packet = now;
    auto is_connect = static_cast<packet_type>(next->first >> 4) == packet_type::connect;
    auto is_first = from.session == nullptr;
    if (is_connect != is_first)
      return end_with(from,
                      {reason::protocol_error, is_first ? "MQTT-3.1.0-1" : "MQTT-3.1.0-2",
                       is_first ? "the first packet is not CONNECT" : "a second CONNECT"},
                      now);
    packet decoded;
    auto error = decode(next->first, next->body, from.protocol, side::client, decoded);
    if (auto* x = is_connect ? std::get_if<connect>(&decoded) : nullptr)
      from.protocol = x->protocol;
    if (error)
      return end_with(from, *error, now);
    handle(from, decoded, now);
  }
}

void broker::handle(link& from, const packet& packet, time_point now) {
  if (auto* x = std::get_if<publish>(&packet))
    handle_publish(from, *x, now);
  else if (auto* x = std::get_if<answer>(&packet))
    handle_answer(from, *x, now);
  else if (std::holds_alternative<pingreq>(packet))
    send(from, pingresp{});
  else if (auto* x = std::get_if<subscribe>(&packet))
    handle_subscribe(from, *x, now);
  else if (auto* x = std::get_if<unsubscribe>(&packet))
    handle_unsubscribe(from, *x);
  else if (auto* x = std::get_if<connect>(&packet))
    handle_connect(from, *x, now);
  else if (auto* x = std::get_if<mqtt::disconnect>(&packet))
    handle_disconnect(from, *x, now);
  else
    end_with(from,
             {reason::protocol_error, "4.12",
              "AUTH, but CONNECT asked for no Authentication Method"},
             now);
}

void broker::handle_answer(link& from, const answer& x, time_point now) {
  auto& who = *from.session;
  switch (x.type) {
  case packet_type::puback:
    who.messages.puback(x.packet_id);
    break;
  case packet_type::pubrec: {
    auto is_known = who.messages.pubrec(x.packet_id, x.code);
    if (is_failure(x.code))
      break;
    if (who.is_kept())
      from.promise();
    send(from, answer{packet_type::pubrel,
                      x.packet_id,
                      is_known ? reason::success : reason::packet_identifier_not_found,
                      {}});
    break;
  }
  case packet_type::pubcomp:
    who.messages.pubcomp(x.packet_id);
    break;
  default: {
    auto is_known = remove_received(who, x.packet_id);
    if (who.is_kept())
      from.promise();
    send(from, answer{packet_type::pubcomp,
                      x.packet_id,
                      is_known ? reason::success : reason::packet_identifier_not_found,
                      {}});
    break;
  }
  }
  who.messages.pump(from, now);
}

void broker::handle_disconnect(link& from, const mqtt::disconnect& x, time_point now) {
  auto& who = *from.session;
  if (auto interval = x.properties.number(property_id::session_expiry_interval)) {
    if (who.expiry_interval == 0 && *interval != 0)
      return end_with(from,
                      {reason::protocol_error, "3.14.2.2.2",
                       "DISCONNECT sets a Session Expiry Interval that was 0 in CONNECT"},
                      now);
    who.expiry_interval = *interval;
  }
  if (x.code == reason::success)
    who.will.reset();
  from.close(farewell::silent);
  detach(who, now);
}

void broker::send(link& to, const packet& packet) {
  if (!to.send(packet))
    doom(to, reason::quota_exceeded);
}

void broker::written(link_id id, time_point now) {
  auto* to = find(id);
  if (to == nullptr)
    return;
  to->written();
  if (to->session != nullptr && to->has_room())
    to->session->messages.pump(*to, now);
}

void broker::closed(link_id id, time_point now) {
  auto* which = find(id);
  if (which == nullptr)
    return;
  if (auto* who = std::exchange(which->session, nullptr))
    detach(*who, now);
  links_.erase(id);
  settle(now);
}

// -- time -------------------------------------------------------------------------------------

void broker::tick(time_point now) {
  deadlines_.run(now);
  settle(now);
}

void broker::at_silence(link& which, time_point now) {
  if (which.is_closing())
    return;
  // Packets move the deadline only when it has come.
  if (auto at = which.last_packet + which.longest_silence; which.session != nullptr && at > now)
    return which.silence.set(deadlines_, at);
  if (which.session == nullptr)
    return which.close(farewell::silent);
  disconnect(which, reason::keep_alive_timeout, "no packet within one and a half times Keep Alive",
             now);
}

// -- output -----------------------------------------------------------------------------------

void broker::flush(time_point now) {
  if (!commit(now))
    break_promises(now);
  // Writing collects nothing new.
  for (auto* next : std::exchange(context_.dirty, {}))
    next->release();
}

void broker::shut_down() {
  for (auto& [id, which] : links_) {
    if (which->is_closing())
      continue;
    if (which->session != nullptr && which->is_v5())
      which->send(mqtt::disconnect{reason::server_shutting_down, {}});
    which->close(farewell::silent);
  }
}

} // namespace pipehub
