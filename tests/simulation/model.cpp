#include "model.hpp"

#include <algorithm>

namespace simulation {

namespace {

/// Stream 0 is that of all broadcasts.
constexpr uint32_t broadcasts_stream = 0;

/// A write that failed so was never given to the system.
bool was_refused(errc why) {
  return why == errc::queue_full || why == errc::message_too_large || why == errc::not_connected;
}

/// After such an end everything that the peer had sent was received.
bool peer_ended(errc reason) {
  return reason == errc::closed_by_peer || reason == errc::peer_reset;
}

} // namespace

// -- what is asked -----------------------------------------------------------------------------

end& model::add_foreign() {
  auto& e = ends.emplace_back();
  e.number = ends.size() - 1;
  for (auto& stream : e.streams) {
    stream = static_cast<uint32_t>(streams_.size());
    streams_.emplace_back().end = e.number;
  }
  return e;
}

end& model::of(const named_pipe_connection& connection, end::kind what) {
  auto& e = of(connection.id(), what);
  if (!e.connection && !e.dropped && !e.ended)
    e.connection = connection;
  return e;
}

end& model::of(uint64_t connection_id, end::kind what) {
  auto known = numbers_.find(connection_id);
  if (known != numbers_.end())
    return ends[known->second];
  auto& e = add_foreign();
  e.what = what;
  numbers_[connection_id] = e.number;
  return e;
}

frame model::write(end& e, writer who, size_t size) {
  auto& s = streams_[e.streams[who]];
  frame f{e.streams[who], static_cast<uint32_t>(s.writes.size()), static_cast<uint32_t>(size)};
  s.writes.emplace_back();
  return f;
}

cookie model::cookie_of(const frame& f) {
  operation o{operation::write, 0, f.stream, f.number};
  if (f.stream == broadcasts_stream)
    o.what = operation::broadcast;
  else
    o.end = streams_[f.stream].end;
  operations_.push_back(o);
  return cookie::of(static_cast<int>(operations_.size()) - 1);
}

frame model::write_to_all(size_t size) {
  frame f{broadcasts_stream, static_cast<uint32_t>(broadcasts.size()), static_cast<uint32_t>(size)};
  auto& b = broadcasts.emplace_back();
  for (auto& e : ends)
    if (e.what == end::accepted && e.is_open())
      b.clients.insert(e.number);
  return f;
}

cookie model::read(end& e) {
  ++e.waiting_reads;
  operations_.push_back({operation::read, e.number, 0, 0});
  return cookie::of(static_cast<int>(operations_.size()) - 1);
}

void model::foreign_sent(end& e, const frame& f) {
  auto& w = streams_[f.stream].writes[f.number];
  w.state = fate::sent;
  note(e, "sent frame " + std::to_string(f.number));
}

// -- what happens ------------------------------------------------------------------------------

void model::connected(end& e) {
  note(e, "connected");
  if (e.ended)
    broken("a connection came after its end");
  if (e.connected)
    broken("a connection came twice");
  e.connected = true;
  e.lives.emplace_back();
  constexpr int64_t first_foreign = int64_t{1} << 40;
  if (e.what == end::accepted)
    if (auto peer = e.connection.peer(); peer && peer->pid >= first_foreign)
      e.lives.back().peer = static_cast<size_t>(peer->pid - first_foreign);
}

model::operation* model::answered(end& e, const cookie& c) {
  auto* number = c.get_if<int>();
  if (number == nullptr) {
    broken("an operation came back without its cookie");
    return nullptr;
  }
  auto& o = operations_[static_cast<size_t>(*number)];
  if (o.what == operation::broadcast) {
    auto& writes = broadcasts[o.number].writes;
    if (writes.count(e.number) != 0 && writes[e.number].state != fate::waiting)
      broken("a broadcast's cookie came back twice from one client");
    return &o;
  }
  if (o.end != e.number)
    broken("a cookie came back from another connection");
  if (o.state != fate::waiting)
    broken("a cookie came back twice");
  return &o;
}

written* model::write_of(operation& o, end& e) {
  return o.what == operation::broadcast ? &broadcasts[o.number].writes[e.number]
                                        : &streams_[o.stream].writes[o.number];
}

void model::sent(end& e, const cookie& c) {
  auto* o = answered(e, c);
  if (o == nullptr)
    return;
  note(e, "sent " + to_string(c));
  if (o->what == operation::read)
    return broken("a read was reported as sent");
  if (!e.is_open())
    broken("a write was reported as sent while there was no connection");
  o->state = fate::sent;
  auto* w = write_of(*o, e);
  w->state = fate::sent;
  w->life = e.lives.empty() ? 0 : e.lives.size() - 1;
  if (o->what != operation::write)
    return;
  auto& last = streams_[o->stream].last_sent;
  if (o->number <= last)
    broken("writes were reported out of order");
  last = o->number;
}

void model::failed(end& e, const cookie& c, errc why) {
  auto* o = answered(e, c);
  if (o == nullptr)
    return;
  note(e, "failed " + to_string(c) + " " + pipeactor::to_string(why));
  if (e.ended && why != errc::not_connected)
    broken("an operation failed after the end, and not because of it");
  o->state = fate::failed;
  if (o->what == operation::read) {
    --e.waiting_reads;
    return;
  }
  auto* w = write_of(*o, e);
  w->state = fate::failed;
  w->why = why;
  if (w->received && was_refused(why))
    broken("a write that arrived was reported as refused");
}

void model::lost(end& e, errc why) {
  note(e, "lost " + pipeactor::to_string(why));
  if (e.ended)
    broken("a connection was lost after its end");
  if (std::exchange(e.connected, false))
    e.lives.back().reason = why;
}

void model::disconnected(end& e, errc why) {
  note(e, "disconnected " + pipeactor::to_string(why));
  if (std::exchange(e.ended, true))
    broken("an end came twice");
  if (e.connected)
    e.lives.back().reason = why;
}

void model::broadcast_answered(uint32_t number, const pipeactor::broadcast_result& result) {
  note("broadcast " + std::to_string(number) + ": " + std::to_string(result.sent) + " sent, "
       + std::to_string(result.failed) + " failed");
  if (broadcasts[number].result)
    broken("a broadcast was answered twice");
  broadcasts[number].result = result;
}

void model::received(end& e, const cookie* c, std::string_view bytes, bool whole_messages) {
  note(e, "received " + std::to_string(bytes.size()) + " bytes");
  if (!e.is_open())
    return broken("a message came while there was no connection");
  if (c != nullptr && !c->empty()) {
    auto* o = answered(e, *c);
    if (o != nullptr && o->what != operation::read)
      broken("a message came with the cookie of a write");
    if (o != nullptr)
      o->state = fate::sent;
    --e.waiting_reads;
  }
  auto& l = e.lives.back();
  for (auto& f : l.reader.read(bytes)) {
    if (l.reader.failed())
      break;
    receive_frame(e, l, f);
  }
  if (l.reader.failed() || (whole_messages && l.reader.has_rest()))
    broken("a message was changed");
}

void model::receive_frame(end& e, life& l, const frame& f) {
  note(e, "frame " + std::to_string(f.number) + " of " + std::to_string(f.stream));
  if (f.stream == broadcasts_stream) {
    if (e.what == end::accepted || f.number >= broadcasts.size())
      return broken("a broadcast came from nowhere");
    // To whom it was sent shows when the peer is known.
    written ignored;
    return check_frame(e, l, f, ignored);
  }
  if (f.stream >= streams_.size() || f.number >= streams_[f.stream].writes.size())
    return broken("a message came from nowhere");
  auto& s = streams_[f.stream];
  auto& from = ends[s.end];
  if ((from.what == end::accepted) == (e.what == end::accepted))
    return broken("a message came from an end of the same side");
  if (l.peer && *l.peer != from.number)
    return broken("a message came from another connection");
  l.peer = from.number;
  check_frame(e, l, f, s.writes[f.number]);
}

void model::check_frame(end&, life& l, const frame& f, written& w) {
  if (w.received)
    broken("a message came twice");
  if (w.state == fate::failed && was_refused(w.why))
    broken("a message came that was reported as refused");
  w.received = true;
  auto& numbers = l.received[f.stream];
  auto place = std::lower_bound(numbers.begin(), numbers.end(), f.number);
  if (place != numbers.end() && *place == f.number)
    broken("a message came twice");
  // Each broadcast is asked for by another actor: between them there is no order.
  if (f.stream != broadcasts_stream && place != numbers.end())
    broken("messages came out of order");
  numbers.insert(place, f.number);
}

// -- what must be true -------------------------------------------------------------------------

size_t model::waiting_writes() const {
  size_t result = 0;
  for (auto& o : operations_)
    if (o.what == operation::write)
      result += o.state == fate::waiting && !ends[o.end].dropped;
  for (auto& b : broadcasts)
    result += !b.result;
  return result;
}

/// Between two messages that arrived nothing is missing but what was refused.
void model::check_gaps(const end& e, const life& l) {
  for (auto& [number, came] : l.received) {
    if (number == broadcasts_stream || came.empty())
      continue;
    auto& writes = streams_[number].writes;
    for (auto i = came.front(); i < came.back(); ++i)
      if (!std::binary_search(came.begin(), came.end(), i)
          && (writes[i].state == fate::sent || !was_refused(writes[i].why))
          && !ends[streams_[number].end].dropped)
        broken("message " + std::to_string(i) + " is missing from the middle, at "
               + std::to_string(e.number));
  }
}

/// Returns the life of `from` whose pipe leads to this one, or nothing if no message tells.
std::optional<size_t> model::life_of_sender(const end& from, const life& l) const {
  if (from.what != end::outgoing)
    return 0;
  for (auto stream : from.streams)
    if (auto came = l.received.find(stream); came != l.received.end())
      for (auto number : came->second)
        if (auto& w = streams_[stream].writes[number]; w.state == fate::sent)
          return w.life;
  return std::nullopt;
}

/// Returns what `from` sent in one of its lives, and `to` has not received in `l`.
std::string model::missing(const end& from, size_t from_life, const end& to, const life& l) const {
  std::string result;
  auto check = [&](uint32_t stream, uint32_t number, const written& w) {
    if (w.state != fate::sent || w.life != from_life || !result.empty())
      return;
    auto came = l.received.find(stream);
    if (came == l.received.end()
        || !std::binary_search(came->second.begin(), came->second.end(), number))
      result = "message " + std::to_string(number) + " of stream " + std::to_string(stream) + " to "
               + std::to_string(to.number);
  };
  for (auto stream : from.streams)
    for (uint32_t i = 0; i < streams_[stream].writes.size(); ++i)
      check(stream, i, streams_[stream].writes[i]);
  for (uint32_t i = 0; i < broadcasts.size(); ++i)
    if (auto w = broadcasts[i].writes.find(from.number); w != broadcasts[i].writes.end())
      check(broadcasts_stream, i, w->second);
  return result;
}

std::string model::missing() const {
  for (auto& e : ends) {
    if (!e.is_open() || e.lives.empty() || !e.lives.back().peer)
      continue;
    auto& l = e.lives.back();
    auto& from = ends[*l.peer];
    if (!from.is_open())
      continue;
    if (auto number = life_of_sender(from, l); number && *number + 1 == from.lives.size())
      if (auto result = missing(from, *number, e, l); !result.empty())
        return "not arrived: " + result;
  }
  return {};
}

void model::check_end() {
  for (auto& e : ends) {
    if (!e.ended && !e.dropped)
      broken("a connection never ended: " + std::to_string(e.number));
    for (auto& l : e.lives) {
      check_gaps(e, l);
      if (!l.reason || !peer_ended(*l.reason) || !l.peer)
        continue;
      auto& from = ends[*l.peer];
      if (auto number = life_of_sender(from, l))
        if (auto what = missing(from, *number, e, l); !what.empty())
          broken("lost before the end: " + what);
    }
  }
  for (size_t i = 0; i < operations_.size(); ++i) {
    auto& o = operations_[i];
    if (o.what != operation::broadcast && o.state == fate::waiting && !ends[o.end].dropped)
      broken("a cookie did not come back: " + std::to_string(i));
  }
  for (auto& b : broadcasts) {
    if (!b.result) {
      broken("a broadcast was not answered");
      continue;
    }
    size_t sent = 0;
    for (auto& [number, w] : b.writes)
      sent += w.state == fate::sent;
    if (sent != b.result->sent || b.writes.size() - sent != b.result->failed)
      broken("a broadcast's answer does not count its cookies");
  }
}

// -- notes -------------------------------------------------------------------------------------

void model::broken(const std::string& rule) {
  if (failure.empty())
    failure = rule;
  history.push_back("BROKEN: " + rule);
}

void model::note(const std::string& line) {
  history.push_back(line);
}

void model::note(const end& e, const std::string& line) {
  constexpr const char* names[] = {"foreign", "accepted", "outgoing"};
  history.push_back(names[e.what] + (" " + std::to_string(e.number)) + " " + line);
}

} // namespace simulation
