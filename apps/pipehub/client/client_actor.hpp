#pragma once

#include "client/hub_client.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

namespace pipehub {

/// How a publication ended.
enum class publication_end : uint8_t {
  /// The hub's system has it (QoS 0), or the hub has answered.
  taken,
  /// Its connection was lost with it (QoS 0).
  lost,
};

/// What a client actor tells the command that it works for. Called on its thread.
class client_watch {
public:
  virtual ~client_watch() = default;

  /// Publications have begun.
  virtual void added(size_t count, size_t bytes) = 0;
  /// Publications have ended.
  virtual void finished(size_t count, size_t bytes, publication_end how, mqtt::reason code) = 0;
  /// The task is done.
  virtual void done() = 0;
  /// The client can do no more.
  virtual void failed(const std::string& why) = 0;
  /// The connection is closed.
  virtual void closed() = 0;
};

/// Tells a client actor its connection.
struct client_link {
  pipeactor::named_pipe_connection connection;
};

/// Lets a client actor publish.
struct publish_messages {
  std::vector<publication> messages;
};

/// Lets a client actor say good-bye.
struct finish_client {};

/// Makes the handler actor of a client: it runs an `mqtt_client` on a connection that comes back.
caf::behavior client_actor(caf::event_based_actor* self, const std::string& id,
                           const client_task& task, const std::shared_ptr<client_watch>& watch);

} // namespace pipehub

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipehub::client_link)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipehub::publish_messages)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pipehub::finish_client)
