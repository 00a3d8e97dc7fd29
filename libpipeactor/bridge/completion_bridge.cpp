#include "bridge/completion_bridge.hpp"

#include "pipeactor/error.hpp"
#include "base/log.hpp"
#include "base/loop_thread.hpp"

#include <algorithm>
#include <cassert>
#include <future>

namespace pipeactor::detail {

namespace {

/// The bridge whose turn the calling thread runs.
thread_local const completion_bridge* running_bridge = nullptr;

owned_pipe& owned(port::pipe_record& pipe) {
  return static_cast<owned_pipe&>(pipe);
}

/// @param actor the owner of a pipe
pipe_owner& owner_of(const caf::strong_actor_ptr& actor) {
  return *static_cast<pipe_owner*>(caf::actor_cast<caf::abstract_actor*>(actor));
}

} // namespace

completion_bridge::completion_bridge(caf::actor_system& sys, port_factory make_port,
                                     bridge_residents& residents, handler_watch* watch)
    : actor_host(sys), make_port_(std::move(make_port)), residents_(residents), watch_(watch) {}

completion_bridge::~completion_bridge() {
  assert(port_ == nullptr);
}

// -- life -------------------------------------------------------------------------------------

caf::error completion_bridge::open() {
  auto stop = [this] {
    std::lock_guard guard{mutex_};
    stopped_ = true;
  };
  try {
    auto port = make_port_();
    if (!port) {
      stop();
      return port.error();
    }
    kind_ = (*port)->kind();
    port_ = std::move(*port);
    return caf::none;
  } catch (...) {
    stop();
    throw;
  }
}

caf::error completion_bridge::open_with_thread() {
  std::promise<caf::error> opened;
  auto result = opened.get_future();
  thread_ = std::thread{[this, &opened] {
    caf::error err;
    try {
      err = open();
    } catch (...) {
      opened.set_exception(std::current_exception());
      return;
    }
    auto failed = static_cast<bool>(err);
    opened.set_value(std::move(err));
    if (!failed)
      run();
  }};
  try {
    auto err = result.get();
    if (err)
      thread_.join();
    return err;
  } catch (...) {
    thread_.join();
    throw;
  }
}

void completion_bridge::run() {
  while (!is_finished())
    turn(port::time_point::max());
  finish();
}

void completion_bridge::turn(port::time_point deadline) noexcept {
  loop_thread_mark mark;
  auto* outer = std::exchange(running_bridge, this);
  working_ = false;
  if (is_stopping()) {
    residents_.close_all();
    if (residents_.is_empty() && turns_left_ > 0)
      --turns_left_;
  }
  take_inbox();
  if (!jobs_.empty())
    deadline = port::time_point::min();
  else
    deadline = std::min(deadline, timers_.next());
  if (auto failure = port_->turn(deadline, *this); failure && !stopping_.exchange(true))
    log_warning("a bridge ends because its port failed: " + describe(failure));
  served_ = nullptr;
  if (!timers_.empty())
    timers_.fire(port_->now());
  take_inbox();
  run_jobs();
  served_ = nullptr;
  running_bridge = outer;
}

void completion_bridge::shut_down() {
  stopping_.store(true, std::memory_order_release);
  {
    std::lock_guard guard{mutex_};
    if (stopped_)
      return;
    port_->wake();
  }
  if (!thread_.joinable()) {
    while (!is_finished())
      turn(port_->now());
    finish();
  }
}

void completion_bridge::join() {
  if (thread_.joinable())
    thread_.join();
}

bool completion_bridge::is_finished() const noexcept {
  if (!is_stopping() || !residents_.is_empty() || unhandled_closes_ > 0)
    return false;
  return turns_left_ == 0 || (jobs_.empty() && !inbox_filled_.load(std::memory_order_acquire));
}

void completion_bridge::finish() {
  {
    std::lock_guard guard{mutex_};
    stopped_ = true;
    port_.reset();
  }
  // From here on the scheduler runs the actors of this bridge.
  take_inbox();
  for (auto& job : jobs_)
    forward_to_scheduler(system(), std::move(job));
  jobs_.clear();
  timers_.clear();
  send_as(nullptr);
  residents_.on_finished();
}

bool completion_bridge::runs_here() const noexcept {
  return running_bridge == this;
}

void completion_bridge::send_as(const caf::strong_actor_ptr& sender) {
  std::apply([&](auto&... elements) { (elements.sender(sender), ...); }, elements_);
}

// -- any thread -------------------------------------------------------------------------------

void completion_bridge::schedule(job ready) noexcept {
  if (!is_pinned(*ready)) {
    forward_to_scheduler(system(), std::move(ready));
    return;
  }
  if (runs_here()) {
    jobs_.push_back(std::move(ready));
    return;
  }
  {
    std::lock_guard guard{mutex_};
    if (!stopped_) {
      inbox_.push_back(std::move(ready));
      inbox_filled_.store(true, std::memory_order_release);
      if (inbox_.size() == 1)
        port_->wake();
      return;
    }
  }
  forward_to_scheduler(system(), std::move(ready));
}

// -- delivering -------------------------------------------------------------------------------

pipe_owner* completion_bridge::hold_owner(owned_pipe& pipe) {
  if (served_ == nullptr || &owner_of(served_).pipe() != &pipe || pipe.owner == nullptr)
    served_ = caf::actor_cast<caf::strong_actor_ptr>(pipe.owner);
  if (served_ == nullptr)
    return nullptr;
  begin_work();
  return &owner_of(served_);
}

template <class T>
pipe_owner* completion_bridge::pass_on(port::pipe_record& pipe, T&& message) {
  return deliver<pipe_owner>(owned(pipe), std::get<reusable_element<T>>(elements_),
                             std::move(message));
}

bool completion_bridge::deliver_shutting_down(owned_pipe& pipe) {
  return deliver_now<pipe_owner>(pipe, std::get<reusable_element<shutting_down>>(elements_), {})
         != nullptr;
}

// -- completions ------------------------------------------------------------------------------

void completion_bridge::on_accepted(port::listener_id listener, port::raw_pipe_ptr accepted) {
  residents_.on_accepted(listener, std::move(accepted));
}

void completion_bridge::on_listener_closed(port::listener_id listener, const caf::error& reason) {
  residents_.on_listener_closed(listener, reason);
}

void completion_bridge::on_received(port::pipe_record& pipe, payload data) {
  if (auto* owner = pass_on(pipe, received{std::move(data)}))
    owner->control_reading();
}

void completion_bridge::on_read_ended(port::pipe_record& pipe, const caf::error& reason) {
  pass_on(pipe, read_ended{reason});
}

void completion_bridge::on_sent(port::pipe_record& pipe, size_t count) {
  pass_on(pipe, sent{count});
}

void completion_bridge::on_write_failed(port::pipe_record& pipe, size_t count,
                                        const caf::error& reason) {
  pass_on(pipe, write_failed{count, reason});
}

void completion_bridge::on_closed(port::pipe_record& pipe) {
  owned_pipe_ptr kept{&owned(pipe)};
  residents_.on_closed(*kept);
  ++unhandled_closes_;
  if (pass_on(*kept, closed{}) == nullptr)
    close_handled();
}

// -- the loop ---------------------------------------------------------------------------------

void completion_bridge::take_inbox() {
  if (!inbox_filled_.load(std::memory_order_acquire))
    return;
  {
    std::lock_guard guard{mutex_};
    std::swap(taken_, inbox_);
    inbox_filled_.store(false, std::memory_order_relaxed);
  }
  for (auto& ready : taken_)
    jobs_.push_back(std::move(ready));
  taken_.clear();
}

void completion_bridge::begin_work() noexcept {
  if (std::exchange(working_, true))
    return;
  pulse_->turn();
  if (watch_ != nullptr)
    watch_->awake();
}

void completion_bridge::run_jobs() {
  if (!jobs_.empty())
    begin_work();
  // Actors that become ready meanwhile wait for the next turn, so that two that talk to each other
  // do not keep completions waiting.
  for (auto count = std::min(jobs_.size(), defaults::jobs_per_turn); count > 0; --count) {
    auto ready = std::move(jobs_.front());
    jobs_.pop_front();
    if (auto more = run_job(this, std::move(ready), defaults::messages_per_job))
      jobs_.push_back(std::move(more));
  }
}

} // namespace pipeactor::detail
