#pragma once

#include "hub/wire.hpp"
#include "session/broker.hpp"

#include <map>
#include <string>
#include <string_view>

namespace hub_test {

class world;

/// A client of the broker: bytes in, bytes out.
class client {
public:
  client(world& home, link_id id) : world_(&home), id_(id) {}

  /// Sends what the notation of `wire` says.
  void send(std::string_view notation);

  void send_bytes(std::string_view bytes);

  /// Returns all that came since the last call.
  std::string take();

  /// Returns whether the broker has closed the connection.
  bool is_closed() const;

  /// Returns whether the broker has told the client why it closed the connection.
  bool is_told() const;

  /// Ends the connection without a DISCONNECT.
  void leave();

  link_id id() const {
    return id_;
  }

private:
  world* world_;
  link_id id_;
};

/// A broker with a clock that tests move.
class world final : private link_output {
public:
  explicit world(broker_options options = {}) : hub(options, *this) {}

  /// Begins with what a journal kept.
  world(broker_options options, journal& log, saved_state kept, time_point start)
      : now(start), hub(options, *this, &log) {
    hub.restore(std::move(kept), now);
    settle();
  }

  /// Connects a client that has sent nothing yet.
  client open(std::string user = "uid 1");

  /// Connects a client of 5.0, and checks that it is accepted.
  /// @param properties notation of CONNECT's properties
  client v5(std::string_view id, std::string_view properties = "", bool clean = true,
            bool is_present = false);

  /// The same for 3.1.1.
  client v311(std::string_view id, bool clean = true, bool is_present = false);

  /// Moves the clock forward, and lets the broker do what is due.
  void pass(std::chrono::milliseconds time);

  /// If true, the operating system takes no writes until `take_writes`.
  bool holds_writes = false;
  void take_writes(link_id from);

  time_point now{};
  broker hub;

private:
  friend class client;

  struct connection {
    std::string received;
    size_t held = 0;
    bool is_closed = false;
    bool is_told = false;
  };

  void write(link_id to, pipeactor::payload packets) override;
  void close(link_id which, farewell how) override;
  void settle();

  /// Takes the answer to CONNECT, and leaves what follows.
  void expect(const client& who, std::string_view notation);

  std::map<link_id, connection> connections_;
};

} // namespace hub_test
