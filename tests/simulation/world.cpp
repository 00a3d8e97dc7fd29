#include "world.hpp"

#include "takers.hpp"

namespace simulation {

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

constexpr auto tenth = 100ms;
/// More than anything takes without an event, in tenths of a second.
constexpr size_t patience = 900;
/// More than any seed needs to deliver everything, perhaps byte by byte.
constexpr size_t most_rounds = 300000;
/// Turns in which everything is done that needs no time.
constexpr size_t turns_at_once = 4;

context_options stepped(const std::shared_ptr<simulated_network>& network, size_t memory) {
  context_options result;
  result.make_port = simulated_ports(network);
  result.run_threads = false;
  result.memory_limit = memory;
  return result;
}

} // namespace

outcome run(const plan& p) {
  world w{p};
  w.run_wild();
  w.run_calm();
  w.run_out();
  return {std::move(w.rules.history), std::move(w.rules.failure)};
}

// -- life --------------------------------------------------------------------------------------

world::world(const plan& p) : plan_(p), dice_(p.seed) {
  for (size_t i = 0; i < num_operations; ++i)
    lots_.insert(lots_.end(), p.weights[i], static_cast<operation>(i));
  network_ = std::make_shared<simulated_network>(p.network);
  config_.set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(config_);
  server_side_ = std::make_unique<context>(*system_, stepped(network_, p.server_memory));
  client_side_ = std::make_unique<context>(*system_, stepped(network_, p.client_memory));
  server_ = p.server_sessions
              ? server_side_->spawn_server<taker_session>(p.server, this, end::accepted)
              : server_side_->spawn_server(p.server, system_->spawn(handler_actor, this));
  clients_ = p.client_sessions
               ? client_side_->spawn_client_manager<taker_session>(p.client, this, end::outgoing)
               : client_side_->spawn_client_manager(p.client, system_->spawn(handler_actor, this));
  ask_server(true);
}

world::~world() {
  // An actor that never ends would keep the system from ending, and was reported.
  if (system_ != nullptr && !rules.failure.empty())
    system_.release();
}

caf::scheduler::test_coordinator& world::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

// -- running -----------------------------------------------------------------------------------

void world::run_wild() {
  for (size_t step = 0; step < plan_.steps && rules.failure.empty(); ++step) {
    if (!lots_.empty())
      act(lots_[below(lots_.size())]);
    turn_at_random();
  }
}

/// Lets some bridges and actors run, each chosen by the dice.
void world::turn_at_random() {
  for (auto count = below(8); count > 0; --count) {
    auto& side = one_in(2) ? *client_side_ : *server_side_;
    auto& jobs = scheduler().jobs;
    if (one_in(2) && !jobs.empty()) {
      std::swap(jobs.front(), jobs[below(jobs.size())]);
      scheduler().run_once();
    } else if (side.num_bridges() > 0) {
      side.turn_bridge(below(side.num_bridges()));
    }
  }
}

void world::turn_all() {
  for (size_t i = 0; i < turns_at_once; ++i) {
    server_side_->turn();
    scheduler().run();
    client_side_->turn();
    scheduler().run();
  }
}

void world::pass_time(std::chrono::nanoseconds by) {
  network_->advance(by);
  scheduler().advance_time(by);
}

/// Does what everybody does who wants to come to rest.
void world::attend() {
  for (auto& f : foreign_) {
    pull(f);
    push(f);
  }
  // A server whose listeners die one after the other stops by itself.
  constexpr size_t from_time_to_time = 50;
  if (!server_asked_ && (!server_runs_ || one_in(from_time_to_time)))
    ask_server(true);
  for (auto& e : rules.ends)
    if (e.what != end::foreign && e.is_open() && e.connection && reads_by_hand(e)
        && e.waiting_reads == 0)
      e.connection.async_read(rules.read(e));
}

bool world::is_served(const foreign_client& f) const {
  return std::any_of(rules.ends.begin(), rules.ends.end(), [&](auto& e) {
    return e.what == end::accepted && e.is_open() && e.lives.back().peer == f.is->number;
  });
}

std::string world::unrest() const {
  if (open_asks_ > 0)
    return "a request is not answered";
  if (rules.waiting_writes() > 0)
    return "a write does not end";
  if (!server_runs_)
    return "the server does not run";
  for (auto& e : rules.ends) {
    if (e.what == end::foreign || e.dropped || e.ended)
      continue;
    if (e.is_to_end)
      return "a connection does not end: " + std::to_string(e.number);
    if (!e.connected)
      return "a client is not connected: " + std::to_string(e.number);
    if (e.connection && !e.connection.is_connected())
      return "a connection does not see the end of its peer: " + std::to_string(e.number);
  }
  for (auto& f : foreign_) {
    if (f.is->ended)
      continue;
    if (!f.unsent.empty())
      return "a foreign client cannot write: " + std::to_string(f.is->number);
    if (f.ended_writing || !is_served(f))
      return "a foreign client is not served, or does not see its end: "
             + std::to_string(f.is->number);
  }
  return rules.missing();
}

/// Runs until nothing is under way, and breaks a rule if that takes too long.
void world::settle(const std::string& when) {
  constexpr size_t enough = 3;
  size_t quiet = 0;
  size_t idle = 0;
  for (size_t i = 0; i < most_rounds && idle < patience && quiet < enough && rules.failure.empty();
       ++i) {
    auto events = rules.history.size();
    attend();
    turn_all();
    pass_time(tenth);
    idle = events == rules.history.size() ? idle + 1 : 0;
    quiet = unrest().empty() ? quiet + 1 : 0;
  }
  if (quiet < enough && rules.failure.empty())
    rules.broken(when + ": " + unrest());
}

void world::run_calm() {
  if (!rules.failure.empty())
    return;
  rules.note("-- calm");
  calm_ = true;
  network_->set_faults({});
  for (auto& f : foreign_)
    f.stalls = false;
  kept_.clear();
  settle("when faults have stopped");
  if (rules.failure.empty())
    probe();
}

/// Everybody who is connected says something, which has to arrive.
void world::probe() {
  rules.note("-- probe");
  auto number = rules.broadcasts.size();
  broadcast();
  for (auto& e : rules.ends)
    if (e.what == end::outgoing && e.is_open() && !e.dropped)
      write(e, 1);
  for (auto& f : foreign_)
    if (!f.is->ended && !f.ended_writing)
      foreign_write(f, below(10));
  settle("after a last message");
  auto& reached = rules.broadcasts[number];
  for (auto client : reached.clients)
    if (rules.ends[client].is_open() && reached.writes.count(client) == 0)
      rules.broken("a broadcast did not reach a client");
  ask_statistics();
  settle("after a question");
}

void world::run_out() {
  if (rules.failure.empty()) {
    rules.note("-- end");
    auto how = below(3);
    if (how == 0) {
      for (auto& e : rules.ends)
        if (e.connection)
          e.connection.close_after_drain();
      turn_all();
    }
    if (how < 2) {
      ask_server(false);
      stop_clients();
      for (size_t i = 0; i < patience && open_asks_ > 0; ++i) {
        turn_all();
        pass_time(tenth);
      }
      if (open_asks_ > 0)
        rules.broken("a request was not answered");
    }
  }
  for (auto& f : foreign_)
    if (f.client != nullptr && !f.is->ended)
      pull(f);
  client_side_ = nullptr;
  server_side_ = nullptr;
  scheduler().run();
  for (auto& f : foreign_)
    if (!f.is->ended) {
      pull(f);
      if (!f.is->ended)
        rules.broken("a foreign client does not see the end");
    }
  foreign_.clear();
  kept_.clear();
  server_ = {};
  clients_ = {};
  for (auto& e : rules.ends)
    e.connection = {};
  scheduler().run();
  if (!rules.failure.empty())
    return;
  rules.check_end();
  if (system_->registry().running() != 0)
    rules.broken("an actor never ends");
}

// -- what handlers do --------------------------------------------------------------------------

void world::on_connected(end& e, const reaction& r) {
  rules.connected(e);
  if (reads_by_hand(e) && one_in(2))
    r.read(rules.read(e));
  if (!calm_ && one_in(plan_.answers)) {
    auto f = rules.write(e, model::handler, body_size());
    r.write(payload{bytes_of(f)}, rules.cookie_of(f));
  }
}

void world::on_received(end& e, const cookie& c, const payload& data, const reaction& r) {
  auto whole = plan_.server.mode == pipe_mode::message;
  rules.received(e, &c, data.text(), whole);
  if (reads_by_hand(e) && (calm_ || !one_in(4)))
    r.read(rules.read(e));
  if (calm_)
    return;
  if (one_in(plan_.keeps))
    kept_.push_back(data);
  if (one_in(plan_.answers)) {
    auto f = rules.write(e, model::handler, body_size());
    r.write(payload{bytes_of(f)}, rules.cookie_of(f));
  }
  if (one_in(plan_.closes)) {
    e.is_to_end = true;
    r.close();
  } else if (one_in(plan_.drains)) {
    e.is_to_end = true;
    r.drain();
  } else if (r.fail && one_in(plan_.fails)) {
    e.is_to_end = true;
    r.fail();
  }
}

void world::on_failed(end& e, const cookie& c, errc why, const reaction& r) {
  rules.failed(e, c, why);
  if (!calm_ && one_in(8) && one_in(plan_.answers)) {
    auto f = rules.write(e, model::handler, body_size());
    r.write(payload{bytes_of(f)}, rules.cookie_of(f));
  }
}

} // namespace simulation
