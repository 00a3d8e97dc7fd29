// The bridge alone: no connection lives on it.

#include "bridge/completion_bridge.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/simulated_network.hpp"
#include "port/completion_port.hpp"
#include "eventually.hpp"

#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include <atomic>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace pipeactor;
using namespace pipeactor::detail;
using namespace std::chrono_literals;

using test::eventually;
using test::patience;

namespace {

class no_residents final : public bridge_residents {
public:
  void on_accepted(port::listener_id, port::raw_pipe_ptr) override {}
  void on_listener_closed(port::listener_id, const caf::error&) override {}
  void on_closed(owned_pipe&) override {}

  void close_all() override {
    ++asked_to_close;
  }

  bool is_empty() const noexcept override {
    return turns_to_close <= asked_to_close;
  }

  void on_finished() override {
    ++finished;
  }

  /// How many turns it takes until all is closed. Nothing here would wake a bridge that sleeps.
  int turns_to_close = 0;
  std::atomic<int> asked_to_close{0};
  std::atomic<int> finished{0};
};

/// A bridge on a simulated port.
struct bridge_fixture {
  explicit bridge_fixture(simulated_clock clock) {
    simulated_options options;
    options.clock = clock;
    network = std::make_shared<simulated_network>(options);
    bridge = caf::make_counted<completion_bridge>(system, simulated_ports(network), residents,
                                                  nullptr);
  }

  ~bridge_fixture() {
    end();
  }

  void end() {
    bridge->shut_down();
    bridge->join();
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  no_residents residents;
  std::shared_ptr<simulated_network> network;
  completion_bridge_ptr bridge;
};

struct threaded_bridge : bridge_fixture {
  threaded_bridge() : bridge_fixture(simulated_clock::real_time) {
    REQUIRE_FALSE(bridge->open_with_thread());
  }
};

/// Its turns are the case's.
struct stepped_bridge : bridge_fixture {
  stepped_bridge() : bridge_fixture(simulated_clock::virtual_time) {
    REQUIRE_FALSE(bridge->open());
  }

  void turn() {
    bridge->turn(port::time_point::min());
  }
};

/// The messages that an actor of a bridge has handled.
struct notes {
  /// By sender, in the order handled.
  std::map<int, std::vector<int>> numbers;
  std::set<std::thread::id> threads;
  std::atomic<int> handled{0};
};

/// Notes numbers (of a sender), answers texts.
class noting_actor final : public pinned_actor {
public:
  noting_actor(caf::actor_config& cfg, notes& log) : pinned_actor(cfg), log_(log) {}

  caf::behavior make_behavior() override {
    return {
      [this](int sender, int number) {
        log_.numbers[sender].push_back(number);
        log_.threads.insert(std::this_thread::get_id());
        ++log_.handled;
      },
      [this](const std::string& text) {
        log_.threads.insert(std::this_thread::get_id());
        return text;
      },
    };
  }

private:
  notes& log_;
};

/// Sends messages to itself until it is told to stop. Now and then a number is sent to another
/// actor, by another thread.
class busy_actor final : public pinned_actor {
public:
  busy_actor(caf::actor_config& cfg, caf::actor other, std::atomic<bool>& stopped, int& sent)
      : pinned_actor(cfg), other_(std::move(other)), stopped_(stopped), sent_(sent) {}

  caf::behavior make_behavior() override {
    return {[this](int number) {
      if (stopped_)
        return;
      if (static_cast<size_t>(number) % defaults::messages_per_job == 0)
        std::thread{[this] { caf::anon_send(other_, 0, sent_++); }}.join();
      send(this, number + 1);
    }};
  }

private:
  caf::actor other_;
  std::atomic<bool>& stopped_;
  int& sent_;
};

caf::actor spawn_noting(bridge_fixture& f, notes& log) {
  return spawn_pinned<noting_actor>(f.system, f.bridge.get(), log);
}

/// Sends 0, 1, ... from several threads at once.
void send_from_threads(const caf::actor& to, int senders, int count) {
  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender)
    threads.emplace_back([=] {
      for (int number = 0; number < count; ++number)
        caf::anon_send(to, sender, number);
    });
  for (auto& thread : threads)
    thread.join();
}

/// Checks that nothing was lost, nothing came twice, and each sender's order was kept.
void check_complete(const notes& log, int senders, int count) {
  std::vector<int> expected;
  for (int number = 0; number < count; ++number)
    expected.push_back(number);
  REQUIRE(log.numbers.size() == static_cast<size_t>(senders));
  for (auto& [sender, numbers] : log.numbers)
    CHECK((numbers == expected));
}

} // namespace

// -- the inbox ------------------------------------------------------------------------------------

TEST_CASE("completion_bridge runs its actors on its thread, and keeps the order of each sender") {
  constexpr int senders = 4;
  constexpr int count = 5000;
  notes log;
  threaded_bridge f;
  auto actor = spawn_noting(f, log);
  send_from_threads(actor, senders, count);
  REQUIRE(eventually([&] { return log.handled == senders * count; }));
  f.end();
  check_complete(log, senders, count);
  CHECK(log.threads.size() == 1);
  CHECK(log.threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("completion_bridge runs many actors at once, each message once") {
  constexpr int actors = 50;
  constexpr int senders = 3;
  constexpr int count = 100;
  std::vector<notes> logs(actors);
  threaded_bridge f;
  std::vector<caf::actor> all;
  for (auto& log : logs)
    all.push_back(spawn_noting(f, log));
  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender)
    threads.emplace_back([&, sender] {
      for (int number = 0; number < count; ++number)
        for (auto& actor : all)
          caf::anon_send(actor, sender, number);
    });
  for (auto& thread : threads)
    thread.join();
  for (auto& log : logs)
    REQUIRE(eventually([&] { return log.handled == senders * count; }));
  f.end();
  for (auto& log : logs)
    check_complete(log, senders, count);
}

TEST_CASE("completion_bridge is woken by each message that comes while it sleeps") {
  notes log;
  threaded_bridge f;
  auto actor = spawn_noting(f, log);
  caf::scoped_actor self{f.system};
  // The bridge has nothing to do between two requests. A lost wake-up would be a timeout.
  for (int i = 0; i < 2000; ++i) {
    auto answered = false;
    self->request(actor, patience, std::to_string(i))
      .receive([&](const std::string& text) { answered = text == std::to_string(i); },
               [](const caf::error&) {});
    REQUIRE(answered);
  }
}

// -- turns ----------------------------------------------------------------------------------------

TEST_CASE("completion_bridge without a thread runs its actors in turn() only") {
  notes log;
  stepped_bridge f;
  auto actor = spawn_noting(f, log);
  for (int number = 0; number < 3; ++number) {
    caf::anon_send(actor, 0, number);
    CHECK(log.handled == number);
    f.turn();
    CHECK(log.handled == number + 1);
  }
  f.turn();
  CHECK(log.handled == 3);
  CHECK(log.threads == std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST_CASE("completion_bridge bounds what an actor handles in one turn, and goes on in the next") {
  notes log;
  stepped_bridge f;
  auto actor = spawn_noting(f, log);
  constexpr auto in_one_turn = static_cast<int>(defaults::messages_per_job);
  for (int number = 0; number < 2 * in_one_turn + 1; ++number)
    caf::anon_send(actor, 0, number);
  f.turn();
  CHECK(log.handled == in_one_turn);
  f.turn();
  CHECK(log.handled == 2 * in_one_turn);
  f.turn();
  CHECK(log.handled == 2 * in_one_turn + 1);
}

TEST_CASE("completion_bridge bounds the actors that run in one turn, and the rest are next") {
  stepped_bridge f;
  constexpr auto in_one_turn = static_cast<int>(defaults::jobs_per_turn);
  notes log;
  std::vector<caf::actor> actors;
  for (int i = 0; i < in_one_turn + 10; ++i) {
    actors.push_back(spawn_noting(f, log));
    caf::anon_send(actors.back(), i, 0);
  }
  f.turn();
  CHECK(log.handled == in_one_turn);
  f.turn();
  CHECK(log.handled == in_one_turn + 10);
}

namespace {

/// Sends each number on, one less.
class counting_down final : public pinned_actor {
public:
  explicit counting_down(caf::actor_config& cfg) : pinned_actor(cfg) {}

  caf::behavior make_behavior() override {
    return {[this](const caf::actor& other, int number) {
      ++handled;
      if (number > 0)
        send(other, caf::actor{this}, number - 1);
    }};
  }

  static int handled;
};

int counting_down::handled = 0;

} // namespace

TEST_CASE("completion_bridge takes completions even while actors keep talking to each other") {
  stepped_bridge f;
  counting_down::handled = 0;
  auto one = spawn_pinned<counting_down>(f.system, f.bridge.get());
  auto two = spawn_pinned<counting_down>(f.system, f.bridge.get());
  caf::anon_send(one, two, 10);
  // Actors that become ready in a turn run in the next one.
  for (int turn = 1; turn <= 11; ++turn) {
    f.turn();
    CHECK(counting_down::handled == turn);
  }
  f.turn();
  CHECK(counting_down::handled == 11);
}

TEST_CASE("completion_bridge fires timers by the clock of its port") {
  stepped_bridge f;
  caf::scoped_actor self{f.system};
  auto weak = caf::make_counted<timer_client>(caf::actor_cast<caf::weak_actor_ptr>(self));
  for (int round = 0; round < 3; ++round) {
    f.bridge->timers().call_at(f.network->now() + 10ms, weak);
    f.turn();
    CHECK_FALSE(self->has_next_message());
    f.network->advance(10ms);
    f.turn();
    CHECK(self->has_next_message());
    self->receive([](timer_expired) {});
  }
}

TEST_CASE("completion_bridge sleeps until its first timer, to the tick") {
  stepped_bridge f;
  caf::scoped_actor self{f.system};
  auto weak = caf::make_counted<timer_client>(caf::actor_cast<caf::weak_actor_ptr>(self));
  for (auto delay : {10ms, 3ms, 500ms}) {
    auto due = f.network->now() + delay;
    f.bridge->timers().call_at(due + 1s, weak);
    f.bridge->timers().call_at(due, weak);
    // A sleep moves the virtual clock to where it ends.
    f.bridge->turn(port::time_point::max());
    CHECK(f.network->now() == due);
    REQUIRE(self->has_next_message());
    self->receive([](timer_expired) {});
    CHECK_FALSE(self->has_next_message());
    f.bridge->timers().clear();
  }
}

TEST_CASE("completion_bridge sleeps no longer than until its first timer") {
  notes log;
  threaded_bridge f;
  auto actor = spawn_noting(f, log);
  caf::scoped_actor self{f.system};
  // A bridge without a thread would need the clock to be moved: this one has to wake by itself.
  auto weak = caf::make_counted<timer_client>(caf::actor_cast<caf::weak_actor_ptr>(self));
  class timer_setter final : public pinned_actor {
  public:
    timer_setter(caf::actor_config& cfg, completion_bridge& bridge, timer_client_ptr who)
        : pinned_actor(cfg), bridge_(bridge), who_(std::move(who)) {}

    caf::behavior make_behavior() override {
      return {[this](int delay) {
        auto when = bridge_.port()->now() + std::chrono::milliseconds{delay};
        bridge_.timers().call_at(when, who_);
      }};
    }

  private:
    completion_bridge& bridge_;
    timer_client_ptr who_;
  };
  auto setter = spawn_pinned<timer_setter>(f.system, f.bridge.get(), *f.bridge, weak);
  for (int delay : {0, 1, 20}) {
    caf::anon_send(setter, delay);
    auto fired = false;
    self->receive([&](timer_expired) { fired = true; }, caf::after(patience) >> [] {});
    CHECK(fired);
  }
}

// -- the end --------------------------------------------------------------------------------------

TEST_CASE("completion_bridge turns until everything is closed, and then reports its end once") {
  for (int turns : {0, 1, 5}) {
    stepped_bridge f;
    f.residents.turns_to_close = turns;
    f.bridge->shut_down();
    CHECK(f.residents.asked_to_close == turns);
    CHECK(f.residents.finished == 1);
    CHECK(f.bridge->port() == nullptr);
    f.bridge->shut_down();
    CHECK(f.residents.finished == 1);
  }
}

TEST_CASE("actors of a completion_bridge go on on the scheduler when it has ended") {
  notes log;
  threaded_bridge f;
  auto actor = spawn_noting(f, log);
  caf::scoped_actor self{f.system};
  f.end();
  for (int i = 0; i < 3; ++i) {
    auto answered = false;
    self->request(actor, patience, std::string{"x"})
      .receive([&](const std::string&) { answered = true; }, [](const caf::error&) {});
    CHECK(answered);
  }
}

TEST_CASE("completion_bridge loses no message that is sent while it ends") {
  constexpr int senders = 3;
  constexpr int count = 300;
  for (int round = 0; round < 50; ++round) {
    notes log;
    threaded_bridge f;
    auto actor = spawn_noting(f, log);
    std::thread sender{[&] { send_from_threads(actor, senders, count); }};
    // Somewhere in the middle.
    REQUIRE(eventually([&] { return log.handled > round; }));
    f.end();
    sender.join();
    REQUIRE(eventually([&] { return log.handled == senders * count; }));
    check_complete(log, senders, count);
  }
}

TEST_CASE("completion_bridge runs what its actors have to do before it ends") {
  notes log;
  stepped_bridge f;
  constexpr auto count = static_cast<int>(2 * defaults::messages_per_job);
  auto actor = spawn_noting(f, log);
  for (int number = 0; number < count; ++number)
    caf::anon_send(actor, 0, number);
  f.bridge->shut_down();
  CHECK(log.handled == count);
  CHECK(log.threads == std::set{std::this_thread::get_id()});
}

TEST_CASE("completion_bridge loses no message that another thread sends in its last turns") {
  notes log;
  std::atomic<bool> stopped{false};
  int sent = 0;
  stepped_bridge f;
  auto actor = spawn_noting(f, log);
  auto busy = spawn_pinned<busy_actor>(f.system, f.bridge.get(), actor, stopped, sent);
  caf::anon_send(busy, 0);
  f.bridge->shut_down();
  stopped = true;
  // It may still be busy, on the scheduler.
  caf::scoped_actor self{f.system};
  self->send_exit(busy, caf::exit_reason::kill);
  self->wait_for(busy);
  CHECK(sent >= static_cast<int>(defaults::turns_after_end));
  CHECK(eventually([&] { return log.handled == sent; }));
}

TEST_CASE("completion_bridge that cannot make its port says why, and runs its actors elsewhere") {
  caf::actor_system_config config;
  caf::actor_system system{config};
  no_residents residents;
  auto refused = [] {
    return caf::expected<std::unique_ptr<port::completion_port>>{
      make_error(errc::not_supported, "no port today")};
  };
  auto with_thread = GENERATE(false, true);
  auto bridge = caf::make_counted<completion_bridge>(system, refused, residents, nullptr);
  auto err = with_thread ? bridge->open_with_thread() : bridge->open();
  CHECK(code_of(err) == errc::not_supported);
  notes log;
  auto actor = spawn_pinned<noting_actor>(system, bridge.get(), log);
  caf::anon_send(actor, 0, 0);
  CHECK(eventually([&] { return log.handled == 1; }));
  bridge->shut_down();
  bridge->join();
}
