#pragma once

#include "pipeactor/options.hpp"
#include "actors/connection_record.hpp"
#include "actors/internal_messages.hpp"
#include "actors/memory_account.hpp"
#include "base/caf_0_17/pinned_actor.hpp"
#include "bridge/handler_watch.hpp"
#include "port/completion_port.hpp"

#include <caf/ref_counted.hpp>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace pipeactor {

/// One thread, one completion port, and the connection actors that live on both: takes
/// completions off the port and turns each into a typed message to the actor that owns
/// the operation. An idle actor handles it at once, without a mailbox.
///
/// Actors of this bridge keep it alive. After its end they run on the actor system's
/// scheduler, where all that is left for them to say is "not connected".
class PIPEACTOR_EXPORT completion_bridge final : public caf::ref_counted,
                                                 public caf::execution_unit,
                                                 private port::completion_handler {
public:
  /// @param memory what the bridges of a context share
  /// @param watch told of every turn, where there is one; outlives the bridge's turns
  completion_bridge(caf::actor_system& sys, port_factory make_port,
                    detail::memory_account_ptr memory, detail::handler_watch* watch);
  ~completion_bridge() override;

  // -- life: the context's side ---------------------------------------------------------------

  /// Makes the port on the calling thread, which then has to run turn().
  caf::error open();

  /// Makes the port on a thread of its own, which runs turns until shut_down().
  caf::error open_with_thread();

  /// Runs one turn: a turn of the port, then actors that are ready. Sleeps until
  /// `deadline` at most.
  void turn(port::time_point deadline);

  /// Closes everything. A bridge without a thread runs its last turns in here; one
  /// with a thread may still be running them until join().
  void shut_down();
  void join();

  // -- any thread -----------------------------------------------------------------------------

  void exec_later(caf::resumable* what) override;

  /// Returns the actor that completions come from, or an empty handle after the end.
  caf::actor actor() const;

  size_t num_connections() const noexcept {
    return num_connections_.load(std::memory_order_relaxed);
  }

  port_kind kind() const noexcept {
    return kind_;
  }

  /// Returns whether the context ends.
  bool is_stopping() const noexcept {
    return stopping_.load(std::memory_order_acquire);
  }

  const detail::memory_account_ptr& memory() const noexcept {
    return memory_;
  }

  const detail::handler_pulse_ptr& pulse() const noexcept {
    return pulse_;
  }

  // -- actors of this bridge only -------------------------------------------------------------

  /// Returns the port, or nullptr after the end.
  port::completion_port* port() noexcept {
    return port_.get();
  }

  /// Tells who is sent what the listener accepts.
  void serve(port::listener_id listener, caf::actor server);

  /// Makes record and actor of a connection that is to live on this bridge. Any thread.
  caf::actor spawn_connection(const detail::connection_settings& setup);

  /// Counts a connection among those of this bridge; the port's on_closed or forget() end it.
  void enroll(detail::connection_record_ptr record);

  /// Drops a connection that the port never adopted.
  void forget(detail::connection_record& record);

  /// Makes record and actor of a new connection and adopts it.
  void open_connection(const detail::connection_settings& setup, port::raw_pipe_ptr raw);

  /// Passes a broadcast to each connection of its server.
  void broadcast(const detail::broadcast_job& job);

  /// Counts messages that a connection has sent.
  void count_sent(size_t messages, size_t bytes) noexcept {
    messages_sent_ += messages;
    bytes_sent_ += bytes;
  }

  /// Tells of this bridge and its connections of one server or client manager.
  detail::bridge_report report(uint64_t coordinator_id);

  /// Closes a pipe whose actor has gone.
  void abandon(const detail::abandoned& what);

  /// Sends `timer_expired` to `who` at `when`; does not keep it alive.
  void call_at(port::time_point when, caf::weak_actor_ptr who);

  /// Answers a request of `who` with `caf::sec::request_timeout` at `when`, unless it was
  /// answered by then; does not keep it alive.
  void answer_at(port::time_point when, caf::weak_actor_ptr who, caf::message_id response);

private:
  using connection_record_ptr = detail::connection_record_ptr;

  struct timer {
    caf::weak_actor_ptr who;
    /// The request whose time is over, where it is one.
    std::optional<caf::message_id> response;
  };

  // -- completions ----------------------------------------------------------------------------

  void on_accepted(port::listener_id listener, port::raw_pipe_ptr accepted) override;
  void on_listener_closed(port::listener_id listener, const caf::error& reason) override;
  void on_received(port::pipe_record& pipe, payload data) override;
  void on_read_ended(port::pipe_record& pipe, const caf::error& reason) override;
  void on_sent(port::pipe_record& pipe, size_t count) override;
  void on_write_failed(port::pipe_record& pipe, size_t count, const caf::error& reason) override;
  void on_closed(port::pipe_record& pipe) override;

  /// Lets the actor that owns `record` handle `message`.
  template <class T>
  void deliver(detail::connection_record& record, T message);

  void tell_abandoned(detail::connection_record& record);

  // -- the loop -------------------------------------------------------------------------------

  void run();
  /// Handlers are about to run.
  void begin_work() noexcept;
  /// Says who completions come from.
  void send_as(const caf::strong_actor_ptr& sender);
  bool finished() const noexcept;
  void finish();
  void close_all();
  void take_inbox();
  void run_jobs();
  void fire_timers();

  port_factory make_port_;
  detail::memory_account_ptr memory_;
  detail::handler_watch* watch_;
  detail::handler_pulse_ptr pulse_ = std::make_shared<detail::handler_pulse>();
  std::unique_ptr<port::completion_port> port_;
  port_kind kind_ = port_kind::automatic;
  std::thread thread_;

  // What other threads hand in.
  mutable std::mutex mutex_;
  std::vector<detail::job> inbox_;
  caf::actor actor_;
  bool stopped_ = false;
  std::atomic<bool> inbox_filled_{false};
  std::atomic<bool> stopping_{false};

  // The thread's own.
  std::vector<detail::job> taken_;
  std::deque<detail::job> jobs_;
  std::multimap<port::time_point, timer> timers_;
  std::unordered_map<port::listener_id, caf::actor> servers_;
  std::vector<connection_record_ptr> connections_;
  bool working_ = false;
  uint64_t messages_received_ = 0;
  uint64_t bytes_received_ = 0;
  uint64_t messages_sent_ = 0;
  uint64_t bytes_sent_ = 0;
  std::atomic<size_t> num_connections_{0};

  /// What deliver() fills, one of each kind.
  std::tuple<detail::reusable_element<detail::received>, detail::reusable_element<detail::sent>,
             detail::reusable_element<detail::write_failed>,
             detail::reusable_element<detail::read_ended>, detail::reusable_element<detail::closed>,
             detail::reusable_element<detail::opened>,
             detail::reusable_element<detail::broadcast_write>>
    elements_;
  /// Who was delivered to last, in this turn. Completions of one connection often come
  /// together, and its actor has to be held on to but once: its handlers may drop the last handle.
  caf::strong_actor_ptr served_;
};

using completion_bridge_ptr = caf::intrusive_ptr<completion_bridge>;

/// Returns the bridge with the fewest connections, the first of several.
completion_bridge& least_loaded(const std::vector<completion_bridge_ptr>& bridges);

} // namespace pipeactor
