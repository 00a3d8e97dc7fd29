// What can happen in a step of the simulated world.

#include "world.hpp"

#include <algorithm>

namespace simulation {

using namespace pipeactor;
using namespace std::chrono_literals;

namespace {

/// Process ids of foreign clients begin here: the server recognises them.
constexpr int64_t first_foreign = int64_t{1} << 40;

} // namespace

template <class Answer, class Request, class F>
void world::ask(const caf::actor& whom, Request request, F then, std::function<void()> otherwise) {
  ++open_asks_;
  auto asker = [this, whom, request, then, otherwise](caf::event_based_actor* self, int) {
    auto failed = [this, otherwise](const caf::error& why) {
      --open_asks_;
      if (otherwise)
        otherwise();
      rules.note("a request failed: " + pipeactor::to_string(code_of(why)));
    };
    if constexpr (std::is_void_v<Answer>)
      self->request(whom, caf::infinite, request)
        .then(
          [this, then] {
            --open_asks_;
            then();
          },
          failed);
    else
      self->request(whom, caf::infinite, request)
        .then(
          [this, then](const Answer& answer) {
            --open_asks_;
            then(answer);
          },
          failed);
  };
  system_->spawn(asker, 0);
}

void world::act(operation what) {
  auto* e = pick_end();
  auto* f = pick_foreign();
  switch (what) {
  case operation::foreign_connect:
    return foreign_connect();
  case operation::foreign_send:
  case operation::foreign_too_large:
    return foreign_send(what == operation::foreign_too_large);
  case operation::foreign_receive:
    if (f != nullptr && !f->stalls)
      pull(*f);
    return;
  case operation::foreign_stall:
    if (f != nullptr)
      f->stalls = !f->stalls;
    return;
  case operation::foreign_half_close:
  case operation::foreign_close:
  case operation::foreign_abort:
    return foreign_end(what == operation::foreign_half_close, what == operation::foreign_abort);
  case operation::connect:
    return connect();
  case operation::write:
    return e != nullptr ? write(*e, 1) : void();
  case operation::burst:
    return e != nullptr ? write(*e, 2 + below(20)) : void();
  case operation::read:
    if (e != nullptr && e->waiting_reads < 5)
      e->connection.async_read(rules.read(*e));
    return;
  case operation::close:
  case operation::drain:
  case operation::drop:
  case operation::exit:
    return end_one(what);
  case operation::release:
    return release();
  case operation::broadcast:
    return broadcast();
  case operation::stop_server:
    return server_asked_ ? void() : ask_server(false);
  case operation::start_server:
    return server_asked_ ? void() : ask_server(true);
  case operation::stop_clients:
    return stop_clients();
  case operation::statistics:
    return ask_statistics();
  case operation::wait:
    return pass_time(std::chrono::milliseconds{1 + below(500)});
  case operation::jump:
    return pass_time(std::chrono::seconds{1 + below(one_in(4) ? 100000 : 10)});
  }
}

// -- foreign clients ---------------------------------------------------------------------------

foreign_client* world::pick_foreign() {
  std::vector<foreign_client*> open;
  for (auto& f : foreign_)
    if (!f.is->ended)
      open.push_back(&f);
  return open.empty() ? nullptr : open[below(open.size())];
}

void world::foreign_connect() {
  auto open = std::count_if(foreign_.begin(), foreign_.end(), [](auto& f) { return !f.is->ended; });
  if (static_cast<size_t>(open) >= plan_.most_clients)
    return;
  auto who = this_process();
  who.pid = first_foreign + static_cast<int64_t>(rules.ends.size());
  auto client = network_->connect("svc", plan_.server.mode, who);
  if (!client)
    return;
  auto& f = foreign_.emplace_back();
  f.is = &rules.add_foreign();
  f.client = *client;
  rules.connected(*f.is);
}

void world::foreign_send(bool too_large) {
  auto* f = pick_foreign();
  if (f == nullptr || f->stalls || f->ended_writing)
    return;
  constexpr size_t too_much = 9500;
  foreign_write(*f, too_large ? too_much : body_size());
  push(*f);
}

void world::foreign_write(foreign_client& f, size_t body) {
  auto written = rules.write(*f.is, model::world, body);
  f.frames.push_back(written);
  if (f.frames.size() == 1)
    f.unsent = bytes_of(written);
}

/// Sends what fits; in byte mode sometimes only a part, so that a message is left in the middle.
void world::push(foreign_client& f) {
  while (!f.is->ended && !f.ended_writing && !f.unsent.empty()) {
    auto size = f.unsent.size();
    if (plan_.server.mode == pipe_mode::byte && !calm_ && one_in(3))
      size = 1 + below(size);
    auto result = f.client->send(std::string_view{f.unsent}.substr(0, size));
    if (result == simulated_send::closed || result == simulated_send::too_large) {
      f.unsent.clear();
      f.ended_writing = true;
      return;
    }
    if (result == simulated_send::would_block) {
      // In byte mode less may fit.
      if (plan_.server.mode == pipe_mode::message
          || f.client->send(f.unsent.substr(0, 1)) != simulated_send::sent)
        return;
      size = 1;
    }
    f.unsent.erase(0, size);
    if (!f.unsent.empty())
      continue;
    rules.foreign_sent(*f.is, f.frames.front());
    f.frames.pop_front();
    if (!f.frames.empty())
      f.unsent = bytes_of(f.frames.front());
  }
}

void world::pull(foreign_client& f) {
  if (f.is->ended)
    return;
  while (auto bytes = f.client->receive())
    rules.received(*f.is, nullptr, *bytes, plan_.server.mode == pipe_mode::message);
  if (f.client->at_end())
    rules.disconnected(*f.is, f.client->was_reset() ? errc::peer_reset : errc::closed_by_peer);
}

void world::foreign_end(bool half, bool reset) {
  auto* f = pick_foreign();
  if (f == nullptr)
    return;
  if (half) {
    rules.note(*f->is, "ends writing");
    f->client->shutdown_write();
    f->ended_writing = true;
    f->unsent.clear();
    return;
  }
  if (reset)
    f->client->abort();
  else
    f->client->close();
  rules.disconnected(*f->is, errc::closed_by_us);
}

// -- connections of ours -----------------------------------------------------------------------

end* world::pick_end() {
  std::vector<end*> ours;
  for (auto& e : rules.ends)
    if (e.connection && (!e.ended || one_in(20)))
      ours.push_back(&e);
  return ours.empty() ? nullptr : ours[below(ours.size())];
}

void world::connect() {
  auto open = std::count_if(rules.ends.begin(), rules.ends.end(), [](auto& e) {
    return e.what == end::outgoing && !e.ended && !e.dropped;
  });
  if (static_cast<size_t>(open) >= plan_.most_clients)
    return;
  ask<named_pipe_connection>(clients_.actor(),
                             pipeactor::connect{"svc", std::chrono::milliseconds{below(3000)}},
                             [this](const named_pipe_connection& c) {
                               rules.of(c, end::outgoing);
                             });
}

void world::write(end& e, size_t times) {
  for (; times > 0; --times) {
    auto f = rules.write(e, model::world, body_size());
    rules.note(e, "write " + std::to_string(f.number) + " of " + std::to_string(f.stream));
    e.connection.async_write(payload{bytes_of(f)}, rules.cookie_of(f));
  }
}

void world::end_one(operation how) {
  auto* e = pick_end();
  if (e == nullptr)
    return;
  auto has_session = e->what == end::outgoing ? plan_.client_sessions : plan_.server_sessions;
  // What is asked of an actor that has ended comes back to handler actors only.
  if (how == operation::exit && has_session)
    how = operation::close;
  if (how == operation::drop && e->what != end::outgoing)
    how = operation::drain;
  rules.note(*e, "is to end");
  e->is_to_end = true;
  if (how == operation::close) {
    e->connection.async_close();
  } else if (how == operation::exit) {
    caf::anon_send_exit(e->connection.actor(), caf::exit_reason::user_shutdown);
  } else if (how == operation::drain) {
    e->connection.close_after_drain(std::chrono::milliseconds{below(6000)});
  } else {
    e->dropped = true;
    e->connection = {};
  }
}

void world::release() {
  if (kept_.empty())
    return;
  std::swap(kept_[below(kept_.size())], kept_.back());
  kept_.pop_back();
}

// -- coordinators ------------------------------------------------------------------------------

void world::broadcast() {
  auto f = rules.write_to_all(body_size());
  ask<broadcast_result>(server_.actor(), async_broadcast{payload{bytes_of(f)}, rules.cookie_of(f)},
                        [this, f](const broadcast_result& r) {
                          rules.broadcast_answered(f.number, r);
                        });
}

void world::ask_server(bool start) {
  server_asked_ = true;
  rules.note(start ? "start" : "stop");
  auto done = [this](bool runs) {
    server_runs_ = runs;
    server_asked_ = false;
    rules.note(runs ? "server runs" : "server stopped");
  };
  if (start)
    ask<server_ready>(
      server_.actor(), pipeactor::start{}, [done](const server_ready&) { done(true); },
      [done] { done(false); });
  else
    ask<void>(server_.actor(), stop{}, [done] { done(false); });
}

void world::stop_clients() {
  for (auto& e : rules.ends)
    if (e.what == end::outgoing)
      e.is_to_end = true;
  ask<void>(clients_.actor(), stop{}, [this] { rules.note("clients stopped"); });
}

void world::ask_statistics() {
  // Asked when all is quiet.
  auto check_memory = [this, quiet = calm_](const statistics& s) {
    if (quiet && s.queued_bytes != 0)
      rules.broken("memory is counted that nobody holds");
  };
  ask<statistics>(server_.actor(), get_stats{}, [=](const statistics& s) {
    check_queues(s, plan_.server);
    check_memory(s);
  });
  ask<statistics>(clients_.actor(), get_stats{}, [=](const statistics& s) {
    check_queues(s, plan_.client);
    check_memory(s);
  });
}

void world::check_queues(const statistics& s, const connection_options& o) {
  auto longest = frame_header + plan_.longest_body;
  auto most_messages = std::max<size_t>(o.write_queue_messages, 1);
  auto most_bytes = std::max(o.write_queue_bytes, longest);
  // The newest is kept, and what the port has cannot be taken back.
  if (o.write_queue_policy == write_queue_policy::drop_oldest) {
    most_messages += 1;
    most_bytes += 2 * longest;
  }
  for (auto& c : s.connections) {
    if (c.write_queue_messages > most_messages || c.write_queue_bytes > most_bytes)
      rules.broken("a write queue holds more than it may");
    if (c.read_queue_messages > o.read_queue_messages + defaults::reads_per_turn)
      rules.broken("a read queue holds more than it may");
  }
}

} // namespace simulation
