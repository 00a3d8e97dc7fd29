#include "actors/dialer.hpp"

#include "pipeactor/error.hpp"
#include "pipeactor/simulated_network.hpp"
#include "port/completion_port.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace pipeactor;
using namespace pipeactor::detail;
using namespace std::chrono_literals;

namespace {

/// Returns options without chance: pauses of 100, 200, 400 ... 1,000 ms.
reconnect_options regular() {
  reconnect_options result;
  result.initial_delay = 100ms;
  result.max_delay = 1000ms;
  result.jitter = 0;
  return result;
}

dialer dialer_with(std::optional<reconnect_options> reconnect) {
  return {"svc", 1s, reconnect, {}};
}

caf::error lost() {
  return make_error(errc::closed_by_peer, "lost");
}

/// A simulated network with one port.
struct network {
  network()
      : net(std::make_shared<simulated_network>(0)), owned(std::move(*simulated_ports(net)())),
        port(*owned) {}

  /// Publishes a name.
  port::listener_id listen(const std::string& name, size_t backlog = 1) {
    port::listen_request request;
    request.pipe_name = name;
    request.backlog = backlog;
    auto result = port.listen(request);
    REQUIRE(result);
    return *result;
  }

  /// Stops listening, and waits until the port has told.
  void stop(port::listener_id listener) {
    struct : port::completion_handler {
      void on_accepted(port::listener_id, port::raw_pipe_ptr) override {}
      void on_listener_closed(port::listener_id, const caf::error&) override {
        closed = true;
      }
      void on_received(port::pipe_record&, payload) override {}
      void on_read_ended(port::pipe_record&, const caf::error&) override {}
      void on_sent(port::pipe_record&, size_t) override {}
      void on_write_failed(port::pipe_record&, size_t, const caf::error&) override {}
      void on_closed(port::pipe_record&) override {}
      bool closed = false;
    } events;
    port.stop_listening(listener);
    while (!events.closed)
      REQUIRE_FALSE(port.turn(port.now(), events));
  }

  std::shared_ptr<simulated_network> net;
  std::unique_ptr<port::completion_port> owned;
  port::completion_port& port;
};

const auto begin_of_time = port::time_point{} + 1h;

} // namespace

// -- one attempt ----------------------------------------------------------------------------------

TEST_CASE("a dialer connects to a server that it trusts") {
  network x;
  auto listener = x.listen("svc");
  auto trusted = port::resolve(pipe_access::owner());
  REQUIRE(trusted);
  dialer d{"svc", 1s, std::nullopt, *trusted};
  auto raw = d.dial(x.port, pipe_mode::message);
  REQUIRE(raw);
  CHECK(*raw != nullptr);
  x.stop(listener);
}

TEST_CASE("a dialer reports why the port did not connect") {
  network x;
  auto listener = x.listen("svc");
  dialer missing{"other", 1s, std::nullopt, {}};
  CHECK(code_of(missing.dial(x.port, pipe_mode::message).error()) == errc::no_such_pipe);
  dialer bytes{"svc", 1s, std::nullopt, {}};
  CHECK(code_of(bytes.dial(x.port, pipe_mode::byte).error()) == errc::not_a_pipe);
  x.stop(listener);
}

TEST_CASE("a dialer refuses a server that it does not trust, and says who it is") {
  network x;
  auto listener = x.listen("svc");
  peer_identity stranger;
  stranger.pid = 4711;
  stranger.uid = 65533;
  stranger.gid = 65533;
  x.net->identify_servers(stranger);
  auto trusted = port::resolve(pipe_access::owner());
  REQUIRE(trusted);
  dialer d{"svc", 1s, std::nullopt, *trusted};
  auto raw = d.dial(x.port, pipe_mode::message);
  REQUIRE_FALSE(raw);
  CHECK(code_of(raw.error()) == errc::access_denied);
  auto text = describe(raw.error());
  for (auto* part : {"svc", "4711", "65533", "trusted_servers"})
    CHECK(text.find(part) != std::string::npos);
  x.stop(listener);
}

// -- a busy server --------------------------------------------------------------------------------

TEST_CASE("a dialer asks a busy server again, after growing pauses, until the timeout") {
  for (int attempt = 0; attempt < 3; ++attempt) {
    dialer d{"svc", 500ms, std::nullopt, {}};
    std::vector<std::chrono::milliseconds> pauses;
    auto now = begin_of_time;
    while (auto next = d.ask_again(now)) {
      pauses.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(*next - now));
      now = *next;
      REQUIRE(pauses.size() < 100);
    }
    CHECK(now == begin_of_time + 500ms);
    CHECK(pauses
          == std::vector<std::chrono::milliseconds>{1ms, 2ms, 4ms, 8ms, 16ms, 32ms, 64ms, 64ms,
                                                    64ms, 64ms, 64ms, 64ms, 53ms});
  }
}

TEST_CASE("a dialer asks a busy server for the whole timeout in each attempt") {
  auto connects = GENERATE(true, false);
  dialer d{"svc", 10ms, regular(), {}};
  for (auto begin : {begin_of_time, begin_of_time + 1h, begin_of_time + 2h}) {
    CHECK(d.ask_again(begin) == begin + 1ms);
    CHECK(d.ask_again(begin + 1ms) == begin + 3ms);
    CHECK_FALSE(d.ask_again(begin + 10ms));
    CHECK_FALSE(d.ask_again(begin + 11ms));
    if (connects)
      d.connected();
    CHECK(d.next_attempt(connects ? lost() : make_error(errc::pipe_busy)));
  }
}

TEST_CASE("a dialer without a timeout asks a busy server for ever") {
  dialer d{"svc", caf::timespan::max(), std::nullopt, {}};
  auto now = begin_of_time;
  for (int i = 0; i < 200; ++i) {
    auto next = d.ask_again(now);
    REQUIRE(next);
    REQUIRE(*next > now);
    now = *next + 24h * 365;
  }
}

// -- the next attempt -----------------------------------------------------------------------------

TEST_CASE("a dialer without reconnect_options makes no second attempt, and lets writes wait") {
  auto d = dialer_with(std::nullopt);
  CHECK_FALSE(d.next_attempt(lost()));
  CHECK(d.writes() == offline_writes::wait);
}

TEST_CASE("a dialer waits twice as long after each failure, up to the longest pause") {
  auto d = dialer_with(regular());
  // Three losses: each begins with the short pause again.
  for (int loss = 0; loss < 3; ++loss) {
    for (auto pause : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms})
      CHECK(d.next_attempt(lost()) == caf::timespan{pause});
    d.connected();
  }
}

TEST_CASE("a dialer gives up after max_attempts in a row") {
  auto options = regular();
  options.max_attempts = 3;
  auto d = dialer_with(options);
  for (int loss = 0; loss < 3; ++loss) {
    for (int attempt = 0; attempt < 3; ++attempt)
      CHECK(d.next_attempt(lost()));
    CHECK_FALSE(d.next_attempt(lost()));
    CHECK_FALSE(d.next_attempt(lost()));
    d.connected();
  }
}

TEST_CASE("a dialer shortens pauses at random, by no more than the jitter") {
  auto options = regular();
  options.max_delay = options.initial_delay;
  options.jitter = 0.5;
  auto d = dialer_with(options);
  std::vector<caf::timespan> pauses;
  for (int i = 0; i < 200; ++i)
    pauses.push_back(d.next_attempt(lost()).value_or(caf::timespan{0}));
  auto [shortest, longest] = std::minmax_element(pauses.begin(), pauses.end());
  CHECK(*shortest >= caf::timespan{50ms});
  CHECK(*longest <= caf::timespan{100ms});
  // 200 equal ones would be no chance.
  CHECK(*shortest < *longest);
}

TEST_CASE("a dialer tries again only after errors that time may mend") {
  auto d = dialer_with(regular());
  for (auto code : {errc::closed_by_peer, errc::peer_reset, errc::no_such_pipe, errc::pipe_busy,
                    errc::out_of_resources, errc::os_error}) {
    CAPTURE(to_string(code));
    CHECK(d.next_attempt(make_error(code, "")));
  }
  for (auto code :
       {errc::closed_by_us, errc::access_denied, errc::handler_failed, errc::message_too_large,
        errc::missing_pipe_name, errc::invalid_option, errc::not_a_pipe, errc::queue_full}) {
    CAPTURE(to_string(code));
    CHECK_FALSE(d.next_attempt(make_error(code, "")));
  }
}

TEST_CASE("a dialer says whether writes wait while the connection is lost") {
  auto options = regular();
  options.writes = offline_writes::fail;
  CHECK(dialer_with(options).writes() == offline_writes::fail);
}
