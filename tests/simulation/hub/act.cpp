#include "act.hpp"

#include "codec/encode.hpp"

namespace simulation::hub {

namespace {

const char* name_of(packet_type type) {
  constexpr const char* names[] = {"?",         "CONNECT",  "CONNACK",     "PUBLISH",
                                   "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                   "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                   "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH"};
  return names[static_cast<size_t>(type)];
}

std::string numbers(const std::vector<reason>& codes) {
  std::string result;
  for (auto code : codes)
    result += ' ' + std::to_string(static_cast<int>(code));
  return result;
}

std::string finish(const packet& x, version protocol) {
  buffer bytes;
  encode(x, protocol, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string encode_connect(const act& x) {
  connect result;
  result.protocol = x.protocol;
  result.clean_start = x.clean;
  result.client_id = x.client_id;
  result.keep_alive = x.keep_alive;
  property_builder extras;
  property_builder will_extras;
  if (x.protocol == version::v5) {
    extras.add(property_id::session_expiry_interval, x.session_expiry)
      .add(property_id::receive_maximum, x.receive_maximum);
    if (x.will_delay != 0)
      will_extras.add(property_id::will_delay_interval, x.will_delay);
    if (x.what && x.what->expiry)
      will_extras.add(property_id::message_expiry_interval, *x.what->expiry);
  }
  result.properties = extras.view();
  if (x.what) {
    result.will.emplace();
    result.will->topic = x.what->topic;
    result.will->payload = x.what->payload;
    result.will->qos = x.what->qos;
    result.will->retain = x.what->retain;
    result.will->properties = will_extras.view();
  }
  return finish(result, x.protocol);
}

std::string encode_publish(const act& x, version protocol) {
  publish result;
  result.topic = x.what->topic;
  result.payload = x.what->payload;
  result.qos = x.what->qos;
  result.retain = x.what->retain;
  result.dup = x.dup;
  result.packet_id = x.packet_id;
  property_builder extras;
  if (protocol == version::v5 && x.what->expiry)
    extras.add(property_id::message_expiry_interval, *x.what->expiry);
  result.properties = extras.view();
  return finish(result, protocol);
}

std::string encode_subscribe(const act& x, version protocol) {
  subscribe result;
  result.packet_id = x.packet_id;
  property_builder extras;
  for (auto& [filter, options] : x.filters) {
    subscription added;
    added.filter = filter;
    added.qos = options.qos;
    added.no_local = options.no_local;
    added.retain_as_published = options.retain_as_published;
    added.retain_handling = options.retain_handling;
    result.subscriptions.push_back(added);
  }
  if (auto identifier = x.filters.front().second.identifier; identifier != 0)
    extras.add(property_id::subscription_identifier, identifier);
  result.properties = extras.view();
  return finish(result, protocol);
}

} // namespace

std::string encode_act(const act& x, version protocol) {
  switch (x.type) {
  case packet_type::connect:
    return encode_connect(x);
  case packet_type::publish:
    return encode_publish(x, protocol);
  case packet_type::subscribe:
    return encode_subscribe(x, protocol);
  case packet_type::unsubscribe: {
    unsubscribe result;
    result.packet_id = x.packet_id;
    for (auto& [filter, options] : x.filters)
      result.filters.push_back(filter);
    return finish(result, protocol);
  }
  case packet_type::disconnect:
    return finish(disconnect{x.code, {}}, protocol);
  case packet_type::pingreq:
    return finish(pingreq{}, protocol);
  default:
    return finish(answer{x.type, x.packet_id, reason::success, {}}, protocol);
  }
}

std::string describe(const packet& x) {
  if (auto* p = std::get_if<connack>(&x))
    return "CONNACK " + std::to_string(p->session_present ? 1 : 0) + ' ' + std::to_string(p->code);
  if (auto* p = std::get_if<answer>(&x))
    return std::string{name_of(p->type)} + ' ' + std::to_string(p->packet_id) + ' '
           + std::to_string(static_cast<int>(p->code));
  if (auto* p = std::get_if<suback>(&x))
    return "SUBACK " + std::to_string(p->packet_id) + numbers(p->codes);
  if (auto* p = std::get_if<unsuback>(&x))
    return "UNSUBACK " + std::to_string(p->packet_id) + numbers(p->codes);
  if (auto* p = std::get_if<disconnect>(&x))
    return "DISCONNECT " + std::to_string(static_cast<int>(p->code));
  if (std::holds_alternative<pingresp>(x))
    return "PINGRESP";
  return std::holds_alternative<publish>(x) ? "PUBLISH" : "a packet of a client";
}

std::string describe(const act& x) {
  std::string result = name_of(x.type);
  if (x.packet_id != 0)
    result += ' ' + std::to_string(x.packet_id);
  if (x.type == packet_type::connect)
    result += std::string{x.clean ? " clean" : ""} + " expiry " + std::to_string(x.session_expiry)
              + " keep alive " + std::to_string(x.keep_alive) + " receive maximum "
              + std::to_string(x.receive_maximum);
  if (x.what)
    result += std::string{x.type == packet_type::connect ? " will " : " "} + x.what->topic + " QoS "
              + std::to_string(x.what->qos) + (x.what->retain ? " retain" : "")
              + (x.dup ? " dup " : " ") + x.what->payload.substr(0, x.what->payload.find(' '));
  for (auto& [filter, options] : x.filters)
    result += ' ' + filter + '/' + std::to_string(options.qos);
  return result;
}

} // namespace simulation::hub
