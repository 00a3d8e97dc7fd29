#pragma once

// The port of a simulated network (pipeactor/simulated_network.hpp): no operating system, a seed
// and a clock instead.
//
// Everything that the contract leaves open is decided by the seed. A turn takes from the network
// everything that can be reported, and then reports it in random order: reports of different pipes
// and listeners are mixed, and so are one pipe's reads with its writes. The order of one pipe's
// reads, and of its writes, stays. Faults (simulated_faults) are the seed's choice, too.

#include "base/marks.hpp"
#include "port/completion_port.hpp"
#include "port/listener_table.hpp"
#include "port/simulated/simulated_state.hpp"
#include "port/slot_table.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace pipeactor::port {

// -- what it keeps about pipes and listeners --------------------------------------------------

struct simulated_slot : pipe_slot {
  simulated_end end;
  /// How many of `writes`, from the oldest, the network has taken. Reported in the same turn,
  /// unless an earlier report of the turn closes the pipe.
  size_t taken = 0;
  /// A write failed: all later ones fail, too.
  caf::error write_error;
  /// Not everything that was read or written is reported: nothing more is begun.
  bool reading_is_busy = false;
  bool writing_is_busy = false;
};

struct simulated_listener : pipe_listener {
  std::string pipe_name;
  std::shared_ptr<simulated_backlog> backlog;
  bool accepting_is_busy = false;
};

/// Reports that keep their order: those of one listener, or of one pipe's reading, writing or end.
/// They are made in one turn unless they are late.
class simulated_lane {
public:
  using report = std::function<void()>;

  /// @param life the pipe's or the listener's: once it changes, the rest is not reported
  /// @param is_busy set until the last report is made; nullptr if none can be late
  simulated_lane(const life_state& life, bool* is_busy)
      : life_(&life), is_busy_(is_busy), life_at_first_(life) {}

  void add(report what) {
    reports_.push_back(std::move(what));
  }

  bool done() const noexcept {
    // After the last report the pipe or the listener may be gone.
    return next_ == reports_.size() || *life_ != life_at_first_;
  }

  bool can_be_late() const noexcept {
    return is_busy_ != nullptr;
  }

  void busy(bool value) noexcept {
    if (is_busy_ != nullptr)
      *is_busy_ = value;
  }

  /// Makes the next report. Precondition: not done().
  void run_next() {
    auto what = std::move(reports_[next_++]);
    what();
  }

private:
  const life_state* life_;
  bool* is_busy_;
  life_state life_at_first_;
  std::vector<report> reports_;
  size_t next_ = 0;
};

// -- the port ---------------------------------------------------------------------------------

class simulated_port final : public completion_port, private simulated_member {
public:
  explicit simulated_port(std::shared_ptr<simulated_state> network);
  ~simulated_port() override;

  simulated_port(const simulated_port&) = delete;
  simulated_port& operator=(const simulated_port&) = delete;

  port_kind kind() const noexcept override;
  bool guards_access() const noexcept override;
  time_point now() const noexcept override;
  size_t max_message_size() const noexcept override;
  caf::error check_message_size(size_t size) const override;

  caf::expected<listener_id> listen(const listen_request& request) override;
  std::string address(listener_id listener) const override;
  void stop_listening(listener_id listener) override;

  pipe_finder finder() const override;

  caf::expected<raw_pipe_ptr> connect(const std::string& pipe_name, pipe_mode mode) override;
  void adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) override;
  void start_reading(pipe_record& pipe) override;
  void pause_reading(pipe_record& pipe) override;
  void read_one(pipe_record& pipe) override;
  void write(pipe_record& pipe, payload data) override;
  size_t bytes_sent_of_oldest(pipe_record& pipe) noexcept override;
  void close(pipe_record& pipe) override;

  caf::error turn(time_point deadline, completion_handler& handler) override;
  void wake() noexcept override;

private:
  using slot = simulated_slot;
  using listener = simulated_listener;
  using lane = simulated_lane;

  // -- the first half of a turn: with the network's mutex held --------------------------------

  bool ready() override;
  void sleep(std::unique_lock<std::mutex>& guard, time_point deadline);
  void cut_some();
  void serve_listeners();
  void begin_accepting(listener& l);
  bool can_accept(const listener& l) const;
  void end_accepting(listener& l);
  void serve_slots();
  void serve_slot(slot& s);
  void begin_reading(slot& s);
  bool can_read(const slot& s) const noexcept;
  bool has_dropped(const slot& s) const noexcept;
  void begin_writing(slot& s);
  void break_writing(slot& s);
  bool can_write(const slot& s) const;
  void add(lane reports);

  // -- the second half: without it ------------------------------------------------------------

  void take_late();
  void dispatch();
  void close_listener(listener& l);
  void deliver(slot& s, payload data);
  void end_of_input(slot& s);
  void end_reading(slot& s, const caf::error& reason, input_state state);
  void report_sent(slot& s, size_t count);
  void fail_writes(slot& s, size_t count, const caf::error& reason);
  std::vector<payload> take_writes(slot& s, size_t count);
  void finish_close(slot& s);

  // -- the seed -------------------------------------------------------------------------------

  /// Returns whether a fault happens that has one chance in `one_in`.
  bool happens(uint32_t one_in, detail::mark fault);

  /// Returns a number below `count`, as the seed says.
  size_t pick(size_t count);

  std::shared_ptr<simulated_state> network_;
  std::mt19937_64 random_;
  /// Those of this turn.
  simulated_faults faults_;
  slot_table<slot> slots_;
  listener_table<listener> listeners_;
  /// The pipes of clients that were accepted in this turn.
  std::vector<std::shared_ptr<raw_pipe_ptr>> accepted_;
  std::vector<lane> lanes_;
  std::vector<lane> late_;
  completion_handler* handler_ = nullptr;
  bool woken_ = false;
};

} // namespace pipeactor::port
