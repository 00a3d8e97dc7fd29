#pragma once

#include "actors/broadcast.hpp"
#include "actors/connection_base.hpp"
#include "actors/internal_messages.hpp"
#include "actors/memory_account.hpp"
#include "bridge/completion_bridge.hpp"

#include <caf/ref_counted.hpp>

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace pipeactor::detail {

/// Counts messages and their bytes.
struct traffic {
  uint64_t messages = 0;
  uint64_t bytes = 0;

  void add(uint64_t more_messages, uint64_t more_bytes) noexcept {
    messages += more_messages;
    bytes += more_bytes;
  }
};

/// A bridge with the listeners and connections that live on it. Their actors share it.
class bridge_connections final : public caf::ref_counted, private bridge_residents {
public:
  /// @param memory shared by the bridges of a context
  /// @param watch see completion_bridge
  bridge_connections(caf::actor_system& sys, port_factory make_port, memory_account_ptr memory,
                     handler_watch* watch);
  ~bridge_connections() override;

  // -- any thread -----------------------------------------------------------------------------

  completion_bridge& bridge() noexcept {
    return *bridge_;
  }

  const memory_account_ptr& memory() const noexcept {
    return memory_;
  }

  /// Returns the number of connections.
  size_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

  /// Returns the bridge's actor, which takes work of other bridges; empty after the end.
  caf::actor actor() const;

  /// Sets the bridge's actor, or drops it.
  void actor(caf::actor value);

  // -- bridge thread --------------------------------------------------------------------------

  port::completion_port* port() noexcept {
    return bridge_->port();
  }

  /// Registers the server that gets the clients of `listener`.
  void serve(port::listener_id listener, caf::actor server);

  /// Adds a connection. on_closed() or forget() removes it again.
  void enroll(connection_record_ptr record);

  /// Removes a connection that never began: at once, or when its pipe is closed.
  void forget(connection_record& record);

  /// Lets a new connection begin.
  void begin(connection_record& record, opened what);

  /// Passes a broadcast to each connection of its server.
  void broadcast(const broadcast_job& job);

  /// Closes a pipe whose actor has ended.
  void abandon(const abandoned& what);

  /// Reports on the bridge, and on its connections of one server or client manager.
  bridge_report report(uint64_t coordinator_id);

  /// The messages that all connections have received and sent so far.
  traffic total_received;
  traffic total_sent;

private:
  void on_accepted(port::listener_id listener, port::raw_pipe_ptr raw) override;
  void on_listener_closed(port::listener_id listener, const caf::error& reason) override;
  void on_closed(owned_pipe& pipe) override;
  void close_all() override;
  bool is_empty() const noexcept override;
  void on_finished() override;

  void remove(connection_record& record);

  memory_account_ptr memory_;
  completion_bridge_ptr bridge_;
  std::unordered_map<port::listener_id, caf::actor> servers_;
  std::vector<connection_record_ptr> connections_;
  std::atomic<size_t> size_{0};
  reusable_element<opened> opened_element_;
  reusable_element<broadcast_write> broadcast_element_;

  mutable std::mutex mutex_;
  caf::actor actor_;
};

using bridge_connections_ptr = caf::intrusive_ptr<bridge_connections>;

/// Reports that an accepted client gets no connection, because `thrown` came first.
void report_turned_away(std::exception_ptr thrown);

/// Returns the bridge with the fewest connections, the first of several.
bridge_connections& least_loaded(const std::vector<bridge_connections_ptr>& bridges);

} // namespace pipeactor::detail
