#pragma once

// A port in memory, for tests: a network that exists only in this process, test clients
// on it, and a port that keeps the contract of completion_port.hpp with a seed and a
// clock of its own. A run in one thread is decided by the seed alone, so a failing one is
// played again from it.
//
// What a port guarantees stays, what it leaves open the seed chooses: completions of
// different pipes and listeners are mixed, and so are what a pipe reads and what it
// writes; the order of one pipe's reads, and of its writes, stays.

#include "pipeactor/simulated_network.hpp"
#include "port/completion_port.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace pipeactor::port {

struct simulated_end;
struct simulated_listener;
struct simulated_state;

// -- the port ---------------------------------------------------------------------------------

class PIPEACTOR_EXPORT simulated_port final : public completion_port {
public:
  explicit simulated_port(const std::shared_ptr<simulated_network>& network);
  ~simulated_port() override;

  simulated_port(const simulated_port&) = delete;
  simulated_port& operator=(const simulated_port&) = delete;

  port_kind kind() const noexcept override;
  bool guards_access() const noexcept override {
    return false;
  }
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
  void close(pipe_record& pipe) override;

  caf::error turn(time_point deadline, completion_handler& handler) override;
  void wake() noexcept override;

private:
  friend struct simulated_state;

  struct completion;
  struct lane;
  struct pipe_slot;

  pipe_slot* find(const pipe_record& pipe) const noexcept;

  // -- one turn: with the network's mutex held ------------------------------------------------

  bool ready() const;
  void wait(std::unique_lock<std::mutex>& guard, time_point deadline);
  void collect(std::vector<lane>& batch);
  void collect_listeners(std::vector<lane>& batch);
  void collect_writes(pipe_slot& slot, std::vector<lane>& batch);
  void collect_reads(pipe_slot& slot, std::vector<lane>& batch);
  completion take_read(pipe_slot& slot);

  // -- one turn: without it -------------------------------------------------------------------

  void report(std::vector<lane>& batch, completion_handler& handler);
  void report_pipe(pipe_slot& slot, completion& what, completion_handler& handler);
  void finish(pipe_slot& slot, completion_handler& handler);

  size_t pick(size_t count);

  std::shared_ptr<simulated_state> state_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<pipe_slot>> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<std::shared_ptr<simulated_listener>> listeners_;
  listener_id next_listener_ = 1;
  bool woken_ = false;
  bool in_turn_ = false;
};

} // namespace pipeactor::port
