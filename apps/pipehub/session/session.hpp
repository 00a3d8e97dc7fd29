#pragma once

#include "session/outgoing.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>

namespace pipehub {

/// A session that lasts for ever (3.1.2.11.2).
constexpr uint32_t never_expires = 0xFFFFFFFF;

/// What the hub keeps about a client, also between its connections (4.1).
class session {
public:
  session(std::string id, std::string whose, const broker_options& options,
          std::function<void(time_point)> at_expiry, std::function<void(time_point)> at_will)
      : client_id(std::move(id)), user(std::move(whose)), messages(options),
        expiry(std::move(at_expiry)), will_delay(std::move(at_will)) {}

  const std::string client_id;
  /// The user that it belongs to: no other one may take it over.
  const std::string user;
  /// Its number in the journal; 0: it is not in it.
  uint64_t number = 0;

  /// nullptr: the client is not connected.
  link* connection = nullptr;

  /// Topic filters as the client wrote them.
  std::map<std::string, subscription_options, std::less<>> subscriptions;

  outgoing messages;

  /// Packet identifiers of PUBLISH packets of QoS 2 that are not completed.
  std::unordered_set<uint16_t> received;

  /// Seconds after the end of a connection. 0: the session ends with it.
  uint32_t expiry_interval = 0;
  deadline expiry;

  std::optional<stored_will> will;
  deadline will_delay;

  /// Whether its lists are in the journal, too: it outlives its connection.
  bool is_kept() const noexcept {
    return number != 0 && expiry_interval != 0;
  }

  /// Whether a client of 3.1.1 asked for the messages about its losses.
  bool wants_losses() const;

  // Where the message that is being routed has it in its list of receivers.
  uint64_t route = 0;
  size_t route_place = 0;
};

} // namespace pipehub
