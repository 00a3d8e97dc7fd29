#pragma once

// Who takes events in the contract cases, and writes them down: a handler actor, and a
// session. A case adds what its own are to do besides.

#include "contract/test_client.hpp"

#include "pipeactor/all.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace contract {

using lines = std::vector<std::string>;

/// Events as lines, in the order in which they were handled:
///   "ready NAME", "connected", "received TEXT", "sent", "failed CODE", "disconnected CODE",
///   of outgoing connections also "connect failed CODE", "reconnecting CODE"
/// A cookie (an int) follows as " [7]"; of a long message the size stands for it, "#200000".
/// Where a pipe is seen connected that must not be, or the other way round, the line says so.
class event_log {
public:
  // -- any thread: what was seen --------------------------------------------------------------

  /// `id` is the connection's, 0 for none.
  void add(uint64_t id, std::string line);

  void add_connection(const named_pipe_connection& connection);

  // -- the case -------------------------------------------------------------------------------

  /// Waits for `count` lines of the connection `id`, of any for 0, that begin with `prefix`.
  bool wait_for(uint64_t id, std::string_view prefix, size_t count = 1);

  /// Waits for `count` lines of any connection.
  bool wait_for(std::string_view prefix, size_t count = 1) {
    return wait_for(0, prefix, count);
  }

  /// Waits for the `index`th `client_connected` (from 0), and returns its connection; an empty one
  /// if it does not come.
  named_pipe_connection connection(size_t index = 0);

  /// Drops the handles that the log keeps.
  void forget_connections();

  lines of(uint64_t id) const;
  lines all() const;
  size_t count(std::string_view prefix, uint64_t id = 0) const;

  /// Returns on which threads the events of `id` (0: of all) were handled.
  std::set<std::thread::id> threads(uint64_t id = 0) const;

private:
  struct entry {
    uint64_t id;
    std::string line;
    std::thread::id thread;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<entry> entries_;
  std::vector<named_pipe_connection> connections_;
};

using log_ptr = std::shared_ptr<event_log>;

/// A log for those that write to it. It holds the log weakly, because the log keeps connections,
/// and they keep their sessions.
class log_writer {
public:
  log_writer(const log_ptr& log) : log_(log) {}

  void add(uint64_t id, std::string line) const {
    if (auto log = log_.lock())
      log->add(id, std::move(line));
  }

  void add_connection(const named_pipe_connection& connection) const {
    if (auto log = log_.lock())
      log->add_connection(connection);
  }

private:
  std::weak_ptr<event_log> log_;
};

/// What a handler or session does after it has written an event down.
struct script {
  std::function<void(const server_ready&)> ready;
  std::function<void(const named_pipe_connection&)> connected;
  std::function<void(const named_pipe_connection&, const cookie&, const payload&)> received;
  std::function<void(const named_pipe_connection&, const cookie&)> sent;
  std::function<void(const named_pipe_connection&, const cookie&, const caf::error&)> failed;
  std::function<void(const named_pipe_connection&, const caf::error&)> disconnected;
};

/// Returns a script that sends every message back.
script echo();

/// Writes events down, and then does what the script says. An event without a function here does
/// not compile, because PIPEACTOR_EVENTS names all.
class recorder {
public:
  recorder(log_writer log, script todo) : log_(std::move(log)), todo_(std::move(todo)) {}

  void operator()(const server_ready& e) const;
  void operator()(const server_failed& e) const;
  void operator()(const connected_event& e) const;
  void operator()(const connect_failed& e) const;
  void operator()(const message_received_event& e) const;
  void operator()(const message_sent_event& e) const;
  void operator()(const message_failed_event& e) const;
  void operator()(const reconnecting& e) const;
  void operator()(const disconnected_event& e) const;

private:
  log_writer log_;
  script todo_;
};

/// The handler of marshalled events. Other actors may send it a string to be written down,
/// as a line of no connection.
caf::behavior recording_handler(caf::event_based_actor* self, log_writer log, script todo);

/// The session of free-threaded events.
class recording_session : public session {
public:
  explicit recording_session(const log_ptr& log, script todo = {});
  ~recording_session() override;

  void connected() override;
  void message_received(const pipeactor::cookie& cookie, const payload& data) override;
  void message_sent(const pipeactor::cookie& cookie) override;
  void message_failed(const pipeactor::cookie& cookie, const caf::error& error) override;
  void connect_failed(const caf::error& error) override;
  void reconnecting(const caf::error& reason, caf::timespan delay) override;
  void disconnected(const caf::error& reason) override;

protected:
  /// Writes a line of this connection.
  void note(std::string line);

  log_writer log_;
  recorder record_;
  uint64_t id_ = 0;
};

/// Somewhere to wait, for a handler that is to be slow.
class gate {
public:
  void open();
  void pass();
  /// Waits until somebody waits in pass(), or has passed.
  bool wait_for_visitor();

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  bool visited_ = false;
};

using gate_ptr = std::shared_ptr<gate>;

/// Returns " [7]" for a cookie of 7, and "" for an empty one.
std::string in_brackets(const cookie& value);

/// Returns a short message as it is, and "#SIZE" for a long one.
std::string short_text(std::string_view bytes);

} // namespace contract
