// Reading that pauses and goes on, again and again, step by step under a virtual clock. On the
// simulated port, since the valve is the same on each.

#include "contract/stepped_fixture.hpp"

#include <deque>

using namespace contract;

namespace {

/// A server whose sessions keep what they receive, and a client with much to send.
struct kept_messages {
  kept_messages(stepped_fixture& f, const server_options& options) : f(f) {
    server = f.context().spawn_server<keeping_session>(options, f.log, &kept);
    f.ask_for<server_ready>(server.actor(), start{});
    client = f.connect(options).first;
  }

  void send(size_t count, size_t size) {
    for (size_t i = 0; i < count; ++i)
      REQUIRE(client->send(pattern(size)) == simulated_send::sent);
    f.turn();
  }

  /// Releases the oldest messages, one at a time.
  void release(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      kept.pop_front();
      f.turn();
    }
  }

  class keeping_session final : public recording_session {
  public:
    keeping_session(const log_ptr& log, std::deque<payload>* kept)
        : recording_session(log), kept_(kept) {}

    void message_received(const pipeactor::cookie&, const payload& data) override {
      kept_->push_back(data);
    }

  private:
    std::deque<payload>* kept_;
  };

  stepped_fixture& f;
  std::deque<payload> kept;
  named_pipe_server server;
  simulated_client_ptr client;
};

server_options service() {
  server_options result;
  result.pipe_name = "svc";
  return result;
}

} // namespace

TEST_CASE("reading goes on at half of the messages, and not before, after each pause") {
  stepped_fixture f;
  auto options = service();
  // More than a turn may deliver, so that a pause comes with the message above the limit.
  options.read_queue_messages = 100;
  kept_messages x{f, options};
  x.send(250, 10);
  // The turn in which the limit is passed delivers its whole share.
  auto full = x.kept.size();
  CHECK(full > 100);
  CHECK(full <= 100 + defaults::reads_per_turn);
  for (int round = 0; round < 3; ++round) {
    x.release(x.kept.size() - 51);
    CHECK(x.kept.size() == 51);
    x.kept.pop_front();
    f.turn();
    // What is sent now is read, to the limit.
    x.send(60, 10);
    CHECK(x.kept.size() > 100);
    CHECK(x.kept.size() <= 100 + defaults::reads_per_turn);
  }
}

TEST_CASE("a connection that comes back while its handler holds too much begins paused") {
  stepped_fixture f;
  std::deque<payload> kept;
  auto server = f.serve(service(), taker::session);
  client_options options;
  options.read_queue_messages = 10;
  options.reconnect.emplace();
  options.reconnect->jitter = 0;
  auto manager = f.context().spawn_client_manager<kept_messages::keeping_session>(options,
                                                                                  f.client_log,
                                                                                  &kept);
  auto connection = f.ask_for<named_pipe_connection>(manager.actor(), connect{"svc", 1s});
  for (size_t round = 0; round < 3; ++round) {
    for (int i = 0; i < 11; ++i)
      f.log->connection(round).async_write(payload{"x"});
    f.turn();
    REQUIRE(kept.size() == 11);
    f.log->connection(round).async_close();
    f.turn();
    f.advance(options.reconnect->initial_delay);
    REQUIRE(f.client_log->count("connected") == round + 2);
    f.log->connection(round + 1).async_write(payload{"y"});
    f.turn();
    CHECK(kept.size() == 11);
    for (size_t left = 10; left > 5; --left) {
      kept.pop_front();
      f.turn();
      CHECK(kept.size() == left);
    }
    kept.pop_front();
    f.turn();
    CHECK(kept.back().text() == "y");
    kept.clear();
    f.turn();
  }
}

TEST_CASE("reading goes on at half of the bytes, and not before, after each pause") {
  stepped_fixture f;
  auto options = service();
  options.read_queue_bytes = 100'000;
  kept_messages x{f, options};
  x.send(200, 1000);
  for (int round = 0; round < 3; ++round) {
    CHECK(x.kept.size() > 100);
    CHECK(x.kept.size() <= 100 + defaults::reads_per_turn);
    x.release(x.kept.size() - 51);
    CHECK(x.kept.size() == 51);
    x.kept.pop_front();
    f.turn();
    x.send(60, 1000);
  }
}
