#pragma once

#include "codec/frame_reader.hpp"
#include "codec/packets.hpp"
#include "session/deadlines.hpp"
#include "session/options.hpp"
#include "session/outbox.hpp"

#include <pipeactor/payload.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pipehub {

class session;

/// The number of a connection.
using link_id = uint64_t;

/// How a connection ends for its client.
enum class farewell : uint8_t {
  /// The client learns it by the end of the connection.
  silent,
  /// The last packet tells the client why. The client needs time to read it: while it writes to a
  /// connection that is closed, it sees that error first.
  told,
};

/// The connections to clients, as the hub's state machine sees them.
class link_output {
public:
  /// Writes whole packets. `broker::written` answers when the operating system has taken them.
  virtual void write(link_id to, pipeactor::payload packets) = 0;

  /// Closes a connection when all that was written is sent. `broker::closed` follows.
  virtual void close(link_id which, farewell how) = 0;

protected:
  ~link_output() = default;
};

class link;

/// What all connections share.
struct link_context {
  broker_options options;
  link_output& output;
  /// Connections with something that waits for the end of the turn.
  std::vector<link*> dirty;
};

/// One connection to a client: all that is not part of the client's session.
class link {
public:
  /// @param user the user of the client's process, as the kernel says
  /// @param at_silence called when `silence` has come
  link(link_context& context, link_id id, std::string user,
       std::function<void(time_point)> at_silence);

  link(const link&) = delete;
  link& operator=(const link&) = delete;
  ~link();

  link_id id() const noexcept {
    return id_;
  }

  const std::string& user() const noexcept {
    return user_;
  }

  bool is_v5() const noexcept {
    return protocol == mqtt::version::v5;
  }

  const broker_options& options() const noexcept {
    return context_.options;
  }

  // -- writing --------------------------------------------------------------------------------

  /// Appends a packet to what is written at the end of the turn.
  /// @returns false if it is longer than the client takes, or if the client does not read; nothing
  ///   is appended then
  bool send(const mqtt::packet& packet);

  /// Returns the buffer for a packet of this size.
  mqtt::buffer& begin_packet(size_t size);

  /// Appends a packet that other clients get, too.
  void send_shared(const pipeactor::payload& packet);

  /// Closes the connection at the end of the turn, after what was appended. Whatever else the
  /// client sends is ignored.
  void close(farewell how);

  bool is_closing() const noexcept {
    return is_closing_;
  }

  /// Notes that what is appended promises the client something that has to last: it must not be
  /// written before that is certain.
  void promise() noexcept {
    promises_ = true;
  }

  bool promises() const noexcept {
    return promises_;
  }

  /// Returns whether anything was written to the client.
  bool has_written() const noexcept {
    return has_written_;
  }

  /// Takes back all that was appended in this turn.
  void take_back();

  /// Ends a turn: writes and closes. The broker has taken the connection off the list of those
  /// with something that waits.
  void release();

  /// The operating system has taken the oldest write.
  void written();

  /// Returns whether another message may be sent, or has to wait.
  bool has_room() const noexcept {
    return backlog() < context_.options.window;
  }

  // -- state ----------------------------------------------------------------------------------

  mqtt::frame_reader reader;
  mqtt::version protocol = mqtt::version::v311;
  /// nullptr: before CONNECT, or the connection is closing.
  pipehub::session* session = nullptr;

  // What the client said in CONNECT.
  size_t largest_packet = mqtt::largest_varint;
  uint16_t receive_maximum = 65535;

  /// Set to the time at which the client has been silent for too long (3.1.2.10).
  deadline silence;
  std::chrono::milliseconds longest_silence{0};
  time_point last_packet{};

  /// Topics of the client's aliases, from 1 on. Empty: not set.
  std::vector<std::string> aliases_in;
  /// Aliases that are used for the client.
  std::unordered_map<std::string, uint16_t> aliases_out;
  uint16_t most_aliases_out = 0;

private:
  size_t backlog() const noexcept {
    return written_bytes_ + out_.size();
  }

  void make_room(size_t size);
  void finish_write();
  void mark_dirty();

  link_context& context_;
  link_id id_;
  std::string user_;
  outbox out_;
  /// Writes of this turn, before `out_`.
  std::vector<pipeactor::payload> ready_;
  bool is_dirty_ = false;
  bool promises_ = false;
  bool has_written_ = false;
  bool is_closing_ = false;
  /// How to close at the end of this turn.
  std::optional<farewell> closing_;
  /// The sizes of the writes that the operating system has not taken yet.
  std::deque<size_t> writes_;
  size_t written_bytes_ = 0;
};

} // namespace pipehub
