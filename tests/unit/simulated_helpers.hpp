#pragma once

// What tests of the simulated port start from: a recorder of what a port reports, and a network
// with one port that listens.

#include "pipeactor/simulated_network.hpp"
#include "port_recorder.hpp"

#include <map>

namespace simulated_helpers {

using namespace pipeactor;
using namespace pipeactor::port;

using lines = std::vector<std::string>;

/// The id under which a recorder has what listeners report.
constexpr uint64_t listening = 0;

/// Writes down what a port reports of each pipe, and everything as "<pipe> <event>".
class recorder final : public port_test::recorder {
public:
  void on_received(pipe_record& pipe, payload data) override {
    kept.push_back(data);
    note(&pipe, "received " + std::string{data.text()});
  }

  void on_read_ended(pipe_record& pipe, const caf::error& reason) override {
    CHECK(pipe.state() == pipe_state::closing);
    port_test::recorder::on_read_ended(pipe, reason);
  }

  /// Returns the events of one pipe, and forgets them.
  lines take(uint64_t id) {
    return std::exchange(of[id], {});
  }

  std::map<uint64_t, lines> of;
  lines all;
  std::vector<payload> kept;
  /// Runs inside each callback.
  std::function<void(const std::string&)> then;

protected:
  void note(pipe_record* pipe, const std::string& event) override {
    auto id = pipe != nullptr ? pipe->id() : listening;
    of[id].push_back(event);
    all.push_back(std::to_string(id) + " " + event);
    if (then)
      then(all.back());
  }
};

inline std::unique_ptr<completion_port>
make_port(const std::shared_ptr<simulated_network>& network) {
  auto made = simulated_ports(network)();
  REQUIRE(made);
  return std::move(*made);
}

/// A network with a port that listens on "svc", and a recorder. The pipes that it adopts have
/// the ids 1, 2, ...
struct world {
  static constexpr size_t backlog = 100;
  static constexpr size_t receive_limit = 1000;
  /// Enough to report everything that is asked for, if no callback asks for more.
  static constexpr size_t turns_to_end = 3;

  explicit world(const simulated_options& options = {}, pipe_mode mode = pipe_mode::message)
      : mode(mode), network(std::make_shared<simulated_network>(options)),
        port(make_port(network)) {
    listen_request request;
    request.pipe_name = "svc";
    request.mode = mode;
    request.backlog = backlog;
    listener = *port->listen(request);
  }

  ~world() {
    events.then = nullptr;
    for (auto& pipe : pipes)
      port->close(*pipe);
    port->stop_listening(listener);
    turn(turns_to_end);
  }

  /// Connects a client and adopts its other end.
  std::pair<simulated_client_ptr, pipe_record_ptr> pair(size_t limit = receive_limit) {
    auto client = *network->connect("svc", mode);
    turn();
    REQUIRE(events.accepted.size() == 1);
    auto raw = std::move(events.accepted.back());
    events.accepted.clear();
    return {client, adopt(std::move(raw), limit)};
  }

  pipe_record_ptr adopt(raw_pipe_ptr raw, size_t limit = receive_limit) {
    pipe_settings settings{mode, limit, account};
    auto pipe = caf::make_counted<pipe_record>(pipes.size() + 1, settings);
    port->adopt(pipe, std::move(raw));
    pipes.push_back(pipe);
    return pipe;
  }

  void turn(size_t times = 1) {
    for (; times > 0; --times)
      CHECK_FALSE(port->turn(time_point{}, events));
  }

  void write(const pipe_record_ptr& pipe, std::string_view text) {
    port->write(*pipe, payload{text});
  }

  pipe_mode mode;
  std::shared_ptr<simulated_network> network;
  std::unique_ptr<completion_port> port;
  recorder events;
  listener_id listener;
  std::vector<pipe_record_ptr> pipes;
  detail::payload_account* account = nullptr;
};

/// Returns what was received, as one string.
inline std::string joined(const lines& events) {
  const std::string prefix = "received ";
  std::string result;
  for (auto& event : events)
    if (event.rfind(prefix, 0) == 0)
      result += event.substr(prefix.size());
  return result;
}

/// Returns options of a network whose connections hold little.
inline simulated_options small_pipe(size_t bytes, size_t messages) {
  simulated_options result;
  result.pipe_capacity_bytes = bytes;
  result.pipe_capacity_messages = messages;
  return result;
}

} // namespace simulated_helpers
