#pragma once

#include "client.hpp"
#include "model.hpp"
#include "plan.hpp"
#include "world.hpp"

#include "../dice.hpp"
#include "hub/memory_journal.hpp"
#include "session/broker.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace simulation::hub {

/// The hub, its clients, and what is under way between them.
class world final : private pipehub::link_output {
public:
  explicit world(const plan& p);

  /// Faults, then calm.
  void run();

  std::vector<std::string> history;

private:
  /// A connection.
  struct wire {
    size_t client = 0;
    /// Its client has begun another one.
    bool is_left = false;
    /// The hub has closed it.
    bool is_closing = false;
    /// Bytes that the client has sent, and where its packets end.
    std::string bytes;
    std::deque<std::pair<size_t, act>> packets;
    /// Writes of the hub that the system has not taken.
    std::deque<std::vector<arrival>> writes;
    /// What has been taken, and the client has not read.
    std::deque<arrival> inbox;
  };

  /// What the hub has put out in a turn: a packet, or nothing for the end of a write, or a close.
  struct output {
    pipehub::link_id to = 0;
    std::optional<pipeactor::payload> packets;
  };

  using wires = std::map<pipehub::link_id, wire>;

  // world.cpp
  void begin();
  void step();
  void flush();
  void check_write(const output& x);
  void end(pipehub::link_id id);
  void crash();
  void pass(std::chrono::milliseconds time);
  void write(pipehub::link_id to, pipeactor::payload packets) override;
  void close(pipehub::link_id which, pipehub::farewell how) override;

  // world_clients.cpp
  wire* wire_of(size_t client);
  void connect_client(size_t index, bool is_calm);
  void arrive(size_t index, size_t most);
  void take(wire& from, size_t most);
  void read(size_t index, size_t most);
  void publish_from(size_t index);
  void subscribe_client(size_t index);
  void unsubscribe_client(size_t index);
  content_ptr make_content(std::string topic, uint8_t qos, bool retain, bool expires);
  std::string any_topic();
  std::string any_filter();
  bool once_in(uint32_t count) {
    return count != 0 && dice_.one_in(count);
  }

  // calm.cpp
  void calm();
  void drain();
  void send_last(uint8_t qos);
  void finish();

  void note(std::string text);

  plan plan_;
  dice dice_;
  time_point now_{};
  hub_test::memory_journal journal_;
  model model_;
  /// What the journal has of it.
  model kept_;
  std::optional<pipehub::broker> hub_;
  std::vector<client> clients_;
  wires wires_;
  pipehub::link_id last_link_ = 0;
  uint64_t last_content_ = 0;
  std::vector<output> outputs_;
};

} // namespace simulation::hub
