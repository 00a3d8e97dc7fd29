#pragma once

#include "client/mqtt_client.hpp"
#include "common/console.hpp"

#include <pipeactor/all.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pipehub {

/// Exit codes of the client commands, besides 0 (done) and 2 (wrong usage).
enum exit_code : int {
  /// Something failed: standard error says what.
  failed_exit = 1,
  /// What was waited for did not come in time.
  late_exit = 3,
  /// Nobody listens on the topic of a request.
  unheard_exit = 4,
};

/// Returns a client identifier that nobody else has.
std::string make_client_id();

/// What all client commands are told about their connection.
struct hub_address {
  std::string pipe_name = "pipehub";
  pipeactor::context_options context;
  pipeactor::client_options client;
};

/// What a command does with its connection. The functions run on a thread of their own, which may
/// block.
struct client_task {
  /// Topic filters and their QoS.
  std::vector<std::pair<std::string, uint8_t>> subscriptions;
  /// A message has come; the client may publish others.
  /// @returns false if the task is done
  std::function<bool(mqtt_client& client, const mqtt::publish& message)> received;
  /// All messages that arrived together are handled; they are acknowledged next.
  std::function<void()> handled;
  /// All subscriptions are answered, and at least one is granted. Comes again after each return.
  std::function<void()> subscribed;
};

/// A client of a hub for a command: an actor handles it, and the main thread, which sleeps in
/// `console::wait`, looks at its status. A lost connection comes back.
class hub_client {
public:
  struct status {
    /// Publications that are neither sent (QoS 0) nor answered (QoS 1, 2), and their bytes.
    size_t unfinished = 0;
    size_t unfinished_bytes = 0;
    /// Publications that the hub refused, and the reason of the last one.
    size_t refused = 0;
    mqtt::reason refusal = mqtt::reason::success;
    /// Publications of QoS 0 that were lost with their connection.
    size_t lost = 0;
    /// Publications that nobody received (QoS 1, 2).
    size_t unheard = 0;
    /// The task is done.
    bool is_done = false;
    /// Why the client has failed; empty: it has not.
    std::string failure;

    /// Returns whether more may be published.
    bool has_room() const noexcept;
  };

  /// @param terminal outlives the client, and is notified when the status has changed
  hub_client(console& terminal, hub_address hub, client_task task);
  hub_client(const hub_client&) = delete;
  hub_client& operator=(const hub_client&) = delete;
  ~hub_client();

  /// Begins to connect. Main thread.
  /// @returns false if that fails at once; the reason is reported
  bool start();

  /// Publishes messages. Main thread.
  void publish(std::vector<publication> messages);

  status now() const;

  /// Says good-bye, and returns when the hub has it, or after two seconds.
  void finish();

  struct shared_state;

private:
  std::shared_ptr<shared_state> state_;
  hub_address hub_;
  client_task task_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<pipeactor::context> context_;
  caf::actor actor_;
  pipeactor::named_pipe_client_manager manager_;
  pipeactor::named_pipe_connection connection_;
};

} // namespace pipehub
