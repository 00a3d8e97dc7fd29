// Handlers that hold up their bridge.

#include "contract/fixture.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

using namespace contract;

namespace {

/// Keeps what the library logs.
class log_sink : public spdlog::sinks::base_sink<std::mutex> {
public:
  bool wait_for(const std::string& text) {
    std::unique_lock guard{changes_mutex_};
    return changed_.wait_for(guard, patience, [&] {
      return std::any_of(lines_.begin(), lines_.end(),
                         [&](auto& line) { return line.find(text) != std::string::npos; });
    });
  }

protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::lock_guard guard{changes_mutex_};
    lines_.emplace_back(message.payload.data(), message.payload.size());
    changed_.notify_all();
  }

  void flush_() override {}

private:
  std::mutex changes_mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

} // namespace

PORT_TEST_CASE(
  "a handler that blocks its bridge is reported with its connection, while it blocks") {
  auto sink = std::make_shared<log_sink>();
  spdlog::drop("pipeactor");
  spdlog::register_logger(std::make_shared<spdlog::logger>("pipeactor", sink));
  {
    port_fixture f{port};
    auto blocked = std::make_shared<gate>();
    script todo;
    todo.received = [&](const named_pipe_connection&, const cookie&, const payload&) {
      blocked->pass();
    };
    auto server = f.serve(f.options(), taker::session, todo);
    auto [client, connection] = f.connect_and_wait(server);
    // Idle long enough for the watch to sleep, or not: both have to work.
    REQUIRE(client->send("block"));
    CHECK(sink->wait_for("a handler of connection " + std::to_string(connection.id())));
    blocked->open();
    REQUIRE(client->send("go on"));
    REQUIRE(f.log->wait_for("received go on"));
    auto stats = server.server.stats();
    REQUIRE(stats);
    // A machine that is busy enough makes others slow, too.
    CHECK(stats->bridges.front().slow_handlers >= 1);
  }
  spdlog::drop("pipeactor");
}
