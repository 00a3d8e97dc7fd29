#pragma once

// The simulated world of one seed: a server and client managers of ours, foreign clients, bridges
// and actors that run in random order, and a clock. One thread, no system calls.

#include "model.hpp"
#include "plan.hpp"

#include "pipeactor/all.hpp"
#include "pipeactor/simulated_network.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace simulation {

struct outcome {
  std::vector<std::string> history;
  /// The first rule that was broken, or empty.
  std::string failure;
};

/// Runs a plan from beginning to end.
outcome run(const plan& p);

/// A client that does not use the library.
struct foreign_client {
  end* is = nullptr;
  pipeactor::simulated_client_ptr client;
  /// Frames that were not sent completely, and their bytes.
  std::deque<frame> frames;
  std::string unsent;
  /// It neither reads nor writes.
  bool stalls = false;
  bool ended_writing = false;
};

class world {
public:
  explicit world(const plan& p);
  ~world();

  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Faults and anything that the plan allows.
  void run_wild();

  /// Nothing goes wrong any more: everything has to come to rest.
  void run_calm();

  /// Everything ends.
  void run_out();

  // -- for handlers ---------------------------------------------------------------------------

  model rules;

  /// Requests of a handler, which a session makes directly and a handler actor by message.
  struct reaction {
    std::function<void(pipeactor::payload, cookie)> write;
    std::function<void(cookie)> read;
    std::function<void()> close;
    std::function<void()> drain;
    /// Fails with an exception. Sessions only: a handler actor would end.
    std::function<void()> fail = nullptr;
  };

  void on_connected(end& e, const reaction& r);
  void on_received(end& e, const cookie& c, const pipeactor::payload& data, const reaction& r);
  void on_failed(end& e, const cookie& c, errc why, const reaction& r);

private:
  // -- what happens in a step -----------------------------------------------------------------

  void do_step();
  void act(operation what);
  void foreign_connect();
  void foreign_send(bool too_large);
  void foreign_write(foreign_client& f, size_t body);
  void push(foreign_client& f);
  void pull(foreign_client& f);
  void foreign_end(bool half, bool reset);
  void connect();
  void write(end& e, size_t times);
  void end_one(operation how);
  void release();
  void broadcast();
  void ask_server(bool start);
  void stop_clients();
  void ask_statistics();
  void check_queues(const pipeactor::statistics& s, const pipeactor::connection_options& o);

  /// Sends a request whose answer has to come.
  /// @tparam Answer void for an empty answer
  /// @param then is called with the answer
  /// @param otherwise is called if that is an error
  template <class Answer, class Request, class F>
  void ask(const caf::actor& whom, Request request, F then, std::function<void()> otherwise = {});

  // -- running --------------------------------------------------------------------------------

  void turn_at_random();
  void turn_all();
  void attend();
  void pass_time(std::chrono::nanoseconds by);
  /// Returns what is still under way, or nothing.
  std::string unrest() const;
  void settle(const std::string& when);
  void probe();
  bool is_served(const foreign_client& f) const;

  size_t below(size_t count) {
    return static_cast<size_t>(dice_() % count);
  }

  bool one_in(size_t count) {
    return count != 0 && below(count) == 0;
  }

  size_t body_size() {
    return one_in(4) ? below(plan_.longest_body + 1)
                     : below(std::min<size_t>(plan_.longest_body, 30) + 1);
  }

  bool reads_by_hand(const end& e) const {
    return !(e.what == end::outgoing ? plan_.client.continuously_read
                                     : plan_.server.continuously_read);
  }

  /// Returns one of our ends that is not dropped, or nullptr.
  end* pick_end();
  foreign_client* pick_foreign();
  caf::scheduler::test_coordinator& scheduler();

  plan plan_;
  std::mt19937_64 dice_;
  std::vector<operation> lots_;
  bool calm_ = false;
  std::shared_ptr<pipeactor::simulated_network> network_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<pipeactor::context> server_side_;
  std::unique_ptr<pipeactor::context> client_side_;
  pipeactor::named_pipe_server server_;
  pipeactor::named_pipe_client_manager clients_;
  std::deque<foreign_client> foreign_;
  std::vector<pipeactor::payload> kept_;
  size_t open_asks_ = 0;
  bool server_asked_ = false;
  bool server_runs_ = false;
};

} // namespace simulation
