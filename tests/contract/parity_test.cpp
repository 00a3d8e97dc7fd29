// The same random script on the simulated port and on the one under test: after each step, every
// connection has had the same events, and every client has read the same. So what the simulated
// world shows (tests/simulation) holds for the ports that people use.
//
// What may differ between ports is left out: how many bytes wait in a pipe before a write does, how
// a stream is cut if several writes wait in it, and the order of events of different connections.

#include "contract/fixture.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <stdexcept>

using namespace contract;

namespace {

/// What is known after a step: lines of each connection and client, by its name.
using outcome = std::map<std::string, lines>;

constexpr size_t most_peers = 4;
constexpr size_t longest = 4000;

/// Whether clients end in ways that not every system has: half closes, and closes with something
/// unread.
enum class ends : uint8_t { common, all };

class player {
public:
  /// @param expected what the steps lead to, or nullptr if this run finds it out
  player(port_kind port, uint64_t seed, ends which, const std::vector<outcome>* expected)
      : f_(port), dice_(seed), which_(which), expected_(expected) {
    auto options = f_.options();
    options.mode = one_in(2) ? pipe_mode::byte : pipe_mode::message;
    options.continuously_read = !one_in(3);
    if (options.mode == pipe_mode::message)
      options.max_message_size = longest;
    script todo;
    todo.received = [](const named_pipe_connection&, const cookie&, const payload& data) {
      if (data.text() == "throw")
        throw std::runtime_error{"as the script says"};
    };
    server_ = f_.serve(options, taker::session, todo);
    client_options ours;
    ours.mode = options.mode;
    clients_ = f_.manage(ours, taker::session);
  }

  /// @returns what each step led to
  std::vector<outcome> play(size_t steps) {
    for (size_t step = 0; step < steps; ++step) {
      auto what = do_step();
      if (!what.empty()) {
        steps_ += " " + what + ";";
        settle();
      }
    }
    stop();
    settle();
    return std::move(outcomes_);
  }

private:
  /// A client, with the server's connection to it.
  struct peer {
    std::string name;
    /// One of these two.
    client_ptr foreign;
    named_pipe_connection ours;
    named_pipe_connection served;
    bool is_open = true;
    /// Messages that a foreign client has not read.
    size_t unread = 0;
    /// Messages to the server, less the reads that it was asked for.
    int not_asked_for = 0;
    lines seen;
  };

  // -- steps ----------------------------------------------------------------------------------

  /// @returns what was done, or nothing if it was not possible
  std::string do_step() {
    auto* p = pick();
    if (p == nullptr || (one_in(5) && num_open() < most_peers))
      return connect();
    if (one_in(60)) {
      stop();
      server_ = f_.started(server_.server, server_.options);
      return "stop and start";
    }
    switch (below(8)) {
    case 0:
    case 1:
      return send(*p);
    case 2:
    case 3:
      return write(*p);
    case 4:
      return p->foreign ? read(*p) : std::string{};
    case 5:
      return ask_to_read(*p);
    case 6:
      return broadcast();
    default:
      return one_in(2) ? end(*p) : std::string{};
    }
  }

  std::string connect() {
    peer p;
    p.name = std::to_string(peers_.size());
    if (one_in(3))
      p.ours = f_.open(clients_, server_.options.pipe_name);
    else
      p.foreign = f_.connect(server_);
    p.served = f_.log->connection(peers_.size());
    REQUIRE(p.served);
    peers_.push_back(std::move(p));
    return "connect";
  }

  std::string send(peer& p) {
    if (!reads_continuously() && p.not_asked_for >= static_cast<int>(most_waiting()))
      return {};
    ++p.not_asked_for;
    to_server(p, text());
    return "send from " + p.name;
  }

  std::string write(peer& p) {
    if (p.foreign && p.unread >= most_waiting())
      return {};
    if (server_.options.mode == pipe_mode::message && one_in(10)) {
      p.served.async_write(payload{std::string(longest + 1, 'x')}, next_cookie());
      return "too long a write to " + p.name;
    }
    ++p.unread;
    p.served.async_write(payload{text()}, next_cookie());
    return "write to " + p.name;
  }

  std::string read(peer& p) {
    if (p.unread == 0)
      return {};
    auto got = p.foreign->receive();
    p.seen.push_back(got ? "read " + short_text(*got) : "nothing");
    p.unread = server_.options.mode == pipe_mode::byte ? 0 : p.unread - 1;
    return "read of " + p.name;
  }

  std::string ask_to_read(peer& p) {
    if (p.not_asked_for <= -static_cast<int>(most_waiting()))
      return {};
    --p.not_asked_for;
    p.served.async_read(next_cookie());
    return "async_read of " + p.name;
  }

  std::string broadcast() {
    for (auto& p : peers_)
      if (p.is_open && p.foreign && p.unread >= most_waiting())
        return {};
    auto result = f_.ask_for<broadcast_result>(server_.server.actor(),
                                               async_broadcast{payload{text()}, next_cookie()});
    REQUIRE(result);
    for (auto& p : peers_)
      p.unread += p.is_open;
    news_.push_back("sent to " + std::to_string(result->sent) + ", not to "
                    + std::to_string(result->failed));
    return "broadcast";
  }

  std::string end(peer& p) {
    auto how = below(which_ == ends::all ? 7 : 5);
    if (how == 0) {
      p.served.async_close();
    } else if (how == 1) {
      p.served.close_after_drain();
    } else if (how == 2) {
      if (!reads_continuously())
        return {};
      to_server(p, "throw");
    } else if (how == 3) {
      if (server_.options.mode == pipe_mode::byte || !reads_continuously())
        return {};
      to_server(p, std::string(longest + 1, 'x'));
    } else if (how == 4 || p.foreign == nullptr) {
      p.is_open = false;
      if (p.foreign)
        p.foreign->close();
      else
        p.ours.async_close();
      return "close of " + p.name;
    } else if (how == 5) {
      // By hand, the end is seen by a read that waits.
      if (!reads_continuously() && p.not_asked_for >= 0)
        return {};
      p.foreign->shutdown_write();
    } else {
      if (p.unread == 0)
        return {};
      p.is_open = false;
      p.foreign->abort();
      return "abort of " + p.name;
    }
    read_to_end(p);
    return "end " + std::to_string(how) + " of " + p.name;
  }

  void stop() {
    CHECK_FALSE(server_.server.stop());
    for (auto& p : peers_)
      if (p.is_open)
        read_to_end(p);
  }

  /// The server has closed the pipe, or is about to.
  void read_to_end(peer& p) {
    p.is_open = false;
    if (!p.foreign)
      return;
    std::string all;
    for (auto& message : p.foreign->receive_all())
      all += server_.options.mode == pipe_mode::byte ? message : message + "; ";
    p.seen.push_back("the rest: " + short_text(all));
  }

  void to_server(peer& p, const std::string& bytes) {
    if (p.foreign)
      CHECK(p.foreign->send(bytes));
    else
      p.ours.async_write(payload{bytes}, next_cookie());
  }

  // -- what they lead to ----------------------------------------------------------------------

  outcome seen() const {
    outcome result;
    for (auto& p : peers_) {
      auto& events = result["connection " + p.name] = f_.log->of(p.served.id());
      // Seen before the end is read, by hand.
      events.push_back(p.served.is_connected() ? "is connected" : "is not connected");
      if (p.ours)
        result["our client " + p.name] = f_.client_log->of(p.ours.id());
      else
        result["client " + p.name] = p.seen;
    }
    result["broadcasts"] = news_;
    return result;
  }

  /// Waits until the step has had its effect.
  void settle() {
    CAPTURE(steps_);
    if (expected_ == nullptr) {
      // As often as one thing leads to another.
      for (int times = 0; times < 3; ++times)
        f_.let_bridge_turn();
      outcomes_.push_back(seen());
      return;
    }
    REQUIRE(outcomes_.size() < expected_->size());
    auto& expected = (*expected_)[outcomes_.size()];
    auto give_up = std::chrono::steady_clock::now() + patience;
    auto now = seen();
    while (now != expected && std::chrono::steady_clock::now() < give_up) {
      f_.let_bridge_turn();
      now = seen();
    }
    for (auto& [name, lines] : expected) {
      CAPTURE(name);
      REQUIRE(now[name] == lines);
    }
    REQUIRE(now == expected);
    outcomes_.push_back(std::move(now));
  }

  // -- the dice -------------------------------------------------------------------------------

  size_t below(size_t count) {
    return static_cast<size_t>(dice_() % count);
  }

  bool one_in(size_t count) {
    return below(count) == 0;
  }

  peer* pick() {
    auto number = num_open();
    if (number == 0)
      return nullptr;
    number = below(number);
    for (auto& p : peers_)
      if (p.is_open && number-- == 0)
        return &p;
    return nullptr;
  }

  size_t num_open() const {
    return static_cast<size_t>(
      std::count_if(peers_.begin(), peers_.end(), [](auto& p) { return p.is_open; }));
  }

  /// Returns bytes that nothing else has sent.
  std::string text() {
    auto result = "<" + std::to_string(++last_text_) + ">";
    if (one_in(4))
      result.resize(1 + below(longest), 'x');
    return result;
  }

  cookie next_cookie() {
    return cookie::of(++last_cookie_);
  }

  /// Returns how many messages may wait in one direction of a pipe: far fewer than fit into it, and
  /// no two that a stream might join.
  size_t most_waiting() const {
    return server_.options.mode == pipe_mode::byte ? 1 : 3;
  }

  bool reads_continuously() const {
    return server_.options.continuously_read;
  }

  port_fixture f_;
  std::mt19937_64 dice_;
  ends which_;
  const std::vector<outcome>* expected_;
  running_server server_;
  named_pipe_client_manager clients_;
  std::vector<peer> peers_;
  lines news_;
  std::string steps_;
  std::vector<outcome> outcomes_;
  int last_text_ = 0;
  int last_cookie_ = 0;
};

constexpr size_t steps = 60;
void compare(port_kind port, uint64_t seeds, ends which) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    auto expected = player{port_kind::simulated, seed, which, nullptr}.play(steps);
    CHECK(player{port, seed, which, &expected}.play(steps).size() == expected.size());
  }
}

} // namespace

PORT_TEST_CASE("a random script leads to the same events as on the simulated port") {
  compare(port, 30, ends::common);
}

PORT_TEST_CASE("a random script with half closes and unread messages leads to the same events as "
               "on the simulated port",
               needs::half_close, needs::reset_if_unread) {
  compare(port, 30, ends::all);
}

PORT_TEST_CASE("many random scripts lead to the same events as on the simulated port", "[long]") {
  compare(port, 3000, ends::common);
}

PORT_TEST_CASE(
  "many random scripts with half closes and unread messages lead to the same events as "
  "on the simulated port",
  needs::half_close, needs::reset_if_unread, "[long]") {
  compare(port, 3000, ends::all);
}
