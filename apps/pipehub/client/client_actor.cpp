#include "client/client_actor.hpp"

#include "common/report.hpp"

#include <deque>

using namespace pipeactor;

namespace pipehub {

namespace {

/// How long the hub has to take what is written at the end.
constexpr std::chrono::seconds drain_time{2};

class client_state final : private client_output {
public:
  client_state(const std::string& id, client_task task, std::shared_ptr<client_watch> watch)
      : task_(std::move(task)), watch_(std::move(watch)), client_(id, *this) {
    for (auto& [filter, qos] : task_.subscriptions)
      client_.subscribe(filter, qos);
  }

  // -- the connection -------------------------------------------------------------------------

  void link(const named_pipe_connection& connection) {
    connection_ = connection;
  }

  void opened(const named_pipe_connection& connection) {
    connection_ = connection;
    was_open_ = true;
    client_.connected();
  }

  void arrived(const payload& data) {
    client_.received(data.text());
  }

  void away(const named_pipe_connection& connection, const caf::error& reason) {
    connection_ = connection;
    client_.disconnected();
    if (is_over_)
      return connection_.async_close();
    if (!was_open_) {
      // A command that begins without a hub says so at once.
      fail(describe(reason));
      return;
    }
    if (!std::exchange(is_away_, true))
      report("the hub is gone (" + describe(reason) + "): trying again");
  }

  void closed(const caf::error& reason) {
    client_.disconnected();
    if (!is_over_)
      fail(describe(reason));
    watch_->closed();
  }

  void taken(const message_sent& e) {
    if (auto* count = e.cookie.get_if<uint64_t>())
      finish_first(*count, publication_end::taken);
  }

  void not_taken(const message_failed& e) {
    if (auto* count = e.cookie.get_if<uint64_t>())
      finish_first(*count, publication_end::lost);
  }

  // -- the command ----------------------------------------------------------------------------

  void publish(std::vector<publication> messages) {
    for (auto& x : messages) {
      (x.qos == 0 ? unsent_ : unanswered_).push_back(x.payload.size());
      client_.publish(std::move(x));
    }
    client_.flush();
  }

  void finish() {
    is_over_ = true;
    client_.finish();
    client_.flush();
    connection_.close_after_drain(drain_time);
  }

private:
  void write(payload packets, size_t unanswered) override {
    connection_.async_write(std::move(packets), unanswered == 0
                                                  ? cookie{}
                                                  : cookie::of(static_cast<uint64_t>(unanswered)));
  }

  void subscribed(const std::string& filter, mqtt::reason code) override {
    is_away_ = false;
    ++answered_;
    if (mqtt::is_failure(code))
      report("the hub refuses the subscription " + filter + ": " + mqtt::to_string(code));
    else
      ++granted_;
    if (answered_ < task_.subscriptions.size())
      return;
    auto has_any = std::exchange(granted_, 0) != 0;
    answered_ = 0;
    if (!has_any)
      fail("the hub refuses all subscriptions");
    else if (task_.subscribed)
      task_.subscribed();
  }

  bool received(const mqtt::publish& message) override {
    if (task_.received(client_, message))
      return true;
    is_over_ = true;
    is_done_ = true;
    return false;
  }

  void handled() override {
    if (task_.handled)
      task_.handled();
    if (is_done_)
      watch_->done();
  }

  void published(mqtt::reason code) override {
    is_away_ = false;
    if (unanswered_.empty()) // of the task itself
      return;
    auto size = unanswered_.front();
    unanswered_.pop_front();
    watch_->finished(1, size, publication_end::taken, code);
  }

  void ended(const std::string& why) override {
    fail(why);
  }

  void finish_first(uint64_t count, publication_end how) {
    size_t bytes = 0;
    for (; count > 0 && !unsent_.empty(); --count) {
      bytes += unsent_.front();
      unsent_.pop_front();
      watch_->finished(1, std::exchange(bytes, 0), how, mqtt::reason::success);
    }
  }

  void fail(const std::string& why) {
    is_over_ = true;
    watch_->failed(why);
    connection_.async_close();
  }

  client_task task_;
  std::shared_ptr<client_watch> watch_;
  named_pipe_connection connection_;
  mqtt_client client_;
  bool was_open_ = false;
  bool is_over_ = false;
  bool is_done_ = false;
  /// A loss was reported, and the hub was not heard since.
  bool is_away_ = false;
  size_t answered_ = 0;
  size_t granted_ = 0;
  /// Sizes of the command's publications that are not finished, QoS 0 apart.
  std::deque<size_t> unsent_;
  std::deque<size_t> unanswered_;
};

} // namespace

caf::behavior client_actor(caf::event_based_actor*, const std::string& id, const client_task& task,
                           const std::shared_ptr<client_watch>& watch) {
  auto state = std::make_shared<client_state>(id, task, watch);
  return event_handlers([state](const client_link& x) { state->link(x.connection); },
                        [state](const connected& e) { state->opened(e.connection); },
                        [state](const message_received& e) { state->arrived(e.data); },
                        [state](const reconnecting& e) { state->away(e.connection, e.reason); },
                        [state](const connect_failed& e) { state->closed(e.error); },
                        [state](const disconnected& e) { state->closed(e.reason); },
                        [state](const message_sent& e) { state->taken(e); },
                        [state](const message_failed& e) { state->not_taken(e); },
                        [state](const publish_messages& x) { state->publish(x.messages); },
                        [state](finish_client) { state->finish(); });
}

} // namespace pipehub
