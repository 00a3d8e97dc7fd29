#include "client/hub_client.hpp"

#include "client/client_actor.hpp"
#include "common/report.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <random>

using namespace pipeactor;
using namespace std::chrono_literals;

namespace pipehub {

namespace {

/// No more is read from standard input while this much is not finished.
constexpr size_t most_unfinished = 4096;
constexpr size_t most_unfinished_bytes = size_t{4} << 20;
/// How long the end waits for the hub, and for the reader of standard output.
constexpr auto patience = 2s;

} // namespace

std::string make_client_id() {
  std::random_device random;
  constexpr char digits[] = "0123456789abcdef";
  std::string result = "pipehub-";
  for (auto count = 0; count < 16; ++count)
    result += digits[random() % 16];
  return result;
}

bool hub_client::status::has_room() const noexcept {
  return unfinished < most_unfinished && unfinished_bytes < most_unfinished_bytes;
}

/// What the actor and the main thread share.
struct hub_client::shared_state final : client_watch {
  explicit shared_state(console& surroundings) : terminal(surroundings) {}

  template <class F>
  void change(F f) {
    {
      std::lock_guard guard{mutex};
      f(status_);
    }
    changed.notify_all();
  }

  template <class F>
  void change_and_notify(F f) {
    change(f);
    terminal.notify();
  }

  void finished(size_t count, size_t bytes, publication_end how, mqtt::reason code) override {
    auto matters = false;
    change([&](status& x) {
      auto had_room = x.has_room();
      x.unfinished -= count;
      x.unfinished_bytes -= bytes;
      if (how == publication_end::lost)
        x.lost += count;
      if (mqtt::is_failure(code)) {
        x.refused += count;
        x.refusal = code;
      }
      if (code == mqtt::reason::no_matching_subscribers)
        x.unheard += count;
      matters = x.unfinished == 0 || x.has_room() != had_room
                || code == mqtt::reason::no_matching_subscribers;
    });
    if (matters)
      terminal.notify();
  }

  void added(size_t count, size_t bytes) override {
    change([&](status& x) {
      x.unfinished += count;
      x.unfinished_bytes += bytes;
    });
  }

  void done() override {
    change_and_notify([](status& x) { x.is_done = true; });
  }

  void failed(const std::string& why) override {
    change_and_notify([&](status& x) {
      if (x.failure.empty())
        x.failure = why;
    });
  }

  void closed() override {
    change([this](status&) { is_closed = true; });
  }

  console& terminal;
  mutable std::mutex mutex;
  std::condition_variable changed;
  status status_;
  bool is_closed = false;
};

hub_client::hub_client(console& terminal, hub_address hub, client_task task)
    : state_(std::make_shared<shared_state>(terminal)), hub_(std::move(hub)),
      task_(std::move(task)) {
  let_scheduler_sleep(config_);
  system_ = std::make_unique<caf::actor_system>(config_);
  context_ = std::make_unique<context>(*system_, hub_.context);
}

hub_client::~hub_client() {
  connection_ = {};
  manager_.stop();
  state_->terminal.stop_writing_at(console::clock::now() + patience);
  if (actor_)
    caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
}

bool hub_client::start() {
  // A thread of its own, since standard output may block.
  actor_ = system_->spawn<caf::detached>(client_actor, make_client_id(), task_,
                                         std::shared_ptr<client_watch>{state_});
  auto options = hub_.client;
  options.reconnect.emplace();
  // Packets belong to their connection: each new one begins with CONNECT.
  options.reconnect->writes = offline_writes::fail;
  manager_ = context_->spawn_client_manager(options, actor_);
  auto connection = manager_.connect(hub_.pipe_name);
  if (!connection) {
    fail_to_begin(connection.error(), *context_, hub_.context.port);
    return false;
  }
  connection_ = *connection;
  caf::anon_send(actor_, client_link{connection_});
  return true;
}

void hub_client::publish(std::vector<publication> messages) {
  size_t bytes = 0;
  for (auto& x : messages)
    bytes += x.payload.size();
  state_->added(messages.size(), bytes);
  caf::anon_send(actor_, publish_messages{std::move(messages)});
}

hub_client::status hub_client::now() const {
  std::lock_guard guard{state_->mutex};
  return state_->status_;
}

void hub_client::finish() {
  caf::anon_send(actor_, finish_client{});
  state_->terminal.stop_writing_at(console::clock::now() + patience);
  std::unique_lock lock{state_->mutex};
  state_->changed.wait_for(lock, patience, [this] { return state_->is_closed; });
}

} // namespace pipehub
