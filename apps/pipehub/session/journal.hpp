#pragma once

#include "session/delivery.hpp"
#include "topics/subscription_tree.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace pipehub {

/// A will message, until it is published or discarded.
struct stored_will {
  std::shared_ptr<message> content;
  std::chrono::seconds delay{0};
};

/// What outlives the hub of a session, without its lists.
struct session_record {
  /// No other session has or had it.
  uint64_t number = 0;
  std::string client_id;
  std::string user;
  uint32_t expiry_interval = 0;
  bool is_connected = false;
  /// When the session ends, and when its will is published, if these times are set.
  std::optional<time_point> expiry;
  std::optional<time_point> will_time;
  std::optional<stored_will> will;
  /// Messages that were lost after the last one of the queue.
  uint64_t lost = 0;
};

/// A message of QoS 1 or 2 on its way to a client.
struct delivery_record {
  delivery what;
  /// 0: it was not sent yet.
  uint16_t packet_id = 0;
  /// The client has it (QoS 2).
  bool is_received = false;
};

/// A session with its lists.
struct saved_session {
  session_record about;
  std::map<std::string, subscription_options, std::less<>> subscriptions;
  /// In the order in which they came.
  std::vector<delivery_record> messages;
  /// Packet identifiers of PUBLISH packets of QoS 2 that are not completed.
  std::unordered_set<uint16_t> received;
};

/// All that outlives a hub.
struct saved_state {
  std::vector<saved_session> sessions;
  std::vector<message_ptr> retained;
};

/// Keeps what outlives the hub. The broker reports each change, and asks once per turn that all of
/// them last.
class journal {
public:
  /// Adds or replaces a session, except for its `lost`.
  virtual void put_session(const session_record& x) = 0;

  /// Removes a session with its lists, except for its messages.
  virtual void remove_session(uint64_t session) = 0;

  virtual void put_lost(uint64_t session, uint64_t lost) = 0;

  virtual void put_subscription(uint64_t session, std::string_view filter,
                                const subscription_options& options)
    = 0;
  virtual void remove_subscription(uint64_t session, std::string_view filter) = 0;

  /// @param x its `what.number` is new in its session
  virtual void add_delivery(uint64_t session, const delivery_record& x) = 0;
  virtual void update_delivery(uint64_t session, const delivery_record& x) = 0;
  virtual void remove_delivery(uint64_t session, const delivery& what) = 0;

  virtual void add_received(uint64_t session, uint16_t packet_id) = 0;
  virtual void remove_received(uint64_t session, uint16_t packet_id) = 0;

  /// Sets the retained message of a topic.
  /// @param content nullptr: none
  /// @param previous the one that it replaces, if any
  virtual void retain(std::string_view topic, const message_ptr& content,
                      const message_ptr& previous)
    = 0;

  /// Returns whether there are changes that do not last yet.
  virtual bool has_changes() const = 0;

  /// Makes all changes last.
  /// @returns whether they do; if not, they are kept for the next attempt
  virtual bool commit() = 0;

protected:
  ~journal() = default;
};

/// Why clients are refused while the journal cannot be written.
constexpr const char* cannot_keep = "the hub cannot write its state file now";

} // namespace pipehub
