#pragma once

// What the rules of docs/contract.md allow. The model is told what is asked of the library and what
// foreign clients do, is shown each event, and says which rule is broken.

#include "frame.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/messages.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace simulation {

using pipeactor::cookie;
using pipeactor::errc;
using pipeactor::named_pipe_connection;

/// How far an operation has got.
enum class fate : uint8_t { waiting, sent, failed };

/// A frame that was written.
struct written {
  fate state = fate::waiting;
  errc why = errc::none;
  /// The life of its end in which it was sent.
  size_t life = 0;
  bool received = false;
};

/// From one connection (`connected`) to its loss.
struct life {
  frame_reader reader;
  /// The number of the end at the other side, once a frame or the identity has told it.
  std::optional<size_t> peer;
  /// The frames that came, of each stream.
  std::map<uint32_t, std::vector<uint32_t>> received;
  /// Why it ended.
  std::optional<errc> reason;
};

/// One end of a pipe.
struct end {
  enum kind : uint8_t { foreign, accepted, outgoing };

  size_t number = 0;
  kind what = foreign;
  /// Of ours, until it is dropped.
  named_pipe_connection connection;
  bool connected = false;
  bool ended = false;
  /// Nobody holds it: its operations come back to nobody.
  bool dropped = false;
  /// Its end was asked for.
  bool is_to_end = false;
  /// What the world writes and what its handler writes. Between the two there is no order.
  std::array<uint32_t, 2> streams{};
  std::vector<life> lives;
  size_t waiting_reads = 0;

  bool is_open() const {
    return connected && !ended;
  }
};

struct broadcast {
  /// The clients that were connected when it was asked for.
  std::set<size_t> clients;
  std::map<size_t, written> writes;
  std::optional<pipeactor::broadcast_result> result;
};

class model {
public:
  // -- what is asked --------------------------------------------------------------------------

  end& add_foreign();
  /// Returns the end of a connection of ours.
  end& of(const named_pipe_connection& connection, end::kind what);
  /// Returns the end with this id, which may have no handle any more.
  end& of(uint64_t connection_id, end::kind what);

  enum writer : uint8_t { world, handler };

  /// A write is asked for.
  frame write(end& e, writer who, size_t size);
  cookie cookie_of(const frame& f);
  frame write_to_all(size_t size);
  cookie read(end& e);
  /// A foreign client has sent all of a frame.
  void foreign_sent(end& e, const frame& f);

  // -- what happens ---------------------------------------------------------------------------

  void connected(end& e);
  /// @param c nullptr for a foreign client
  void received(end& e, const cookie* c, std::string_view bytes, bool whole_messages);
  void sent(end& e, const cookie& c);
  void failed(end& e, const cookie& c, errc why);
  void lost(end& e, errc why);
  void disconnected(end& e, errc why);
  void broadcast_answered(uint32_t number, const pipeactor::broadcast_result& result);

  // -- what must be true ----------------------------------------------------------------------

  /// Returns how many writes have not come back.
  size_t waiting_writes() const;
  /// Returns what was sent on a pipe that is open and has not arrived yet, or nothing.
  std::string missing() const;
  /// Everything has ended.
  void check_end();

  // -- notes ----------------------------------------------------------------------------------

  void broken(const std::string& rule);
  void note(const std::string& line);
  void note(const end& e, const std::string& line);

  std::deque<end> ends;
  std::vector<broadcast> broadcasts;
  std::vector<std::string> history;
  /// The first rule that was broken, or empty.
  std::string failure;

private:
  struct stream {
    size_t end = 0;
    std::vector<written> writes;
    int64_t last_sent = -1;
  };

  struct operation {
    enum kind : uint8_t { write, broadcast, read } what;
    /// Of the end, except for a broadcast.
    size_t end = 0;
    uint32_t stream = 0;
    uint32_t number = 0;
    fate state = fate::waiting;
  };

  operation* answered(end& e, const cookie& c);
  written* write_of(operation& o, end& e);
  void receive_frame(end& e, life& l, const frame& f);
  void check_frame(end& e, life& l, const frame& f, written& w);
  void check_gaps(const end& e, const life& l);
  std::string missing(const end& from, size_t from_life, const end& to, const life& l) const;
  std::optional<size_t> life_of_sender(const end& from, const life& l) const;

  std::vector<stream> streams_{1};
  std::vector<operation> operations_;
  std::unordered_map<uint64_t, size_t> numbers_;
};

} // namespace simulation
