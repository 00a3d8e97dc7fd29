#include "actors/server_actor.hpp"

#include "pipeactor/error.hpp"
#include "actors/access_lookup.hpp"
#include "actors/adoption.hpp"
#include "actors/statistics_report.hpp"
#include "base/errors.hpp"
#include "base/log.hpp"
#include "base/marks.hpp"

namespace pipeactor::detail {

namespace {

/// Of listeners that fail one after the other, each within `listener_lives`, the pauses between
/// them grow by `publish_pause`, and after so many the server stops.
constexpr int most_failed_listeners = 10;
constexpr std::chrono::milliseconds publish_pause{50};
constexpr std::chrono::seconds listener_lives{1};

} // namespace

server_actor::server_actor(caf::actor_config& cfg, std::vector<bridge_connections_ptr> bridges,
                           server_options options, caf::actor handler,
                           session_factory_ptr make_session)
    : pinned_actor(cfg), bridges_(std::move(bridges)), options_(std::move(options)),
      handler_(std::move(handler)), make_session_(std::move(make_session)),
      id_(next_coordinator_id()) {}

const char* server_actor::name() const {
  return "pipeactor.server";
}

caf::behavior server_actor::make_behavior() {
  set_default_handler(caf::drop);
  return {
    [this](const async_broadcast& x) { return on_broadcast(x); },
    [this](const broadcast_ended& x) { on_broadcast_ended(x); },
    [this](const client_accepted& x) { on_accepted(x); },
    [this](const connection_opened& x) { on_connection_opened(x); },
    [this](const connection_closed& x) { on_connection_closed(x); },
    [this](const listener_closed& x) { on_listener_closed(x); },
    [this](const publish_again&) { on_publish_again(); },
    [this](const start&) { return on_request(request::start); },
    [this](const stop&) { return on_request(request::stop); },
    [this](const get_connections&) {
      std::vector<named_pipe_connection> result;
      for (auto& [id, connection] : connections_)
        result.push_back(connection);
      return result;
    },
    [this](const get_stats&) {
      auto promise = make_response_promise();
      gather_statistics(*this, bridges_, id_, promise);
      return promise;
    },
  };
}

void server_actor::on_exit() {
  if (phase_ == phase::running)
    begin_stopping();
  auto gone = make_error(errc::shutting_down);
  answer_starter(gone);
  for (auto& request : std::exchange(requests_, {}))
    if (request.promise.pending())
      request.promise.deliver(gone);
  for (auto& promise : std::exchange(stoppers_, {}))
    if (promise.pending())
      promise.deliver(gone);
  for (auto& [id, promise] : std::exchange(broadcasts_, {}))
    promise.deliver(gone);
  connections_.clear();
  settings_ = nullptr;
  ready_ = {};
  handler_ = nullptr;
  bridges_.clear();
}

// -- start and stop ---------------------------------------------------------------------------

caf::response_promise server_actor::on_request(request::kind what) {
  auto promise = promise_of_request();
  requests_.push_back({what, promise});
  serve_requests();
  return promise;
}

void server_actor::serve_requests() {
  while (!requests_.empty() && (phase_ == phase::stopped || phase_ == phase::running)) {
    auto next = std::move(requests_.front());
    requests_.pop_front();
    if (next.what == request::start)
      on_start(std::move(next.promise));
    else
      on_stop(next.promise);
  }
}

void server_actor::on_stop(caf::response_promise& promise) {
  stoppers_.push_back(promise);
  if (phase_ == phase::running)
    begin_stopping();
  else
    answer_stoppers();
}

void server_actor::on_start(caf::response_promise promise) {
  starter_ = std::move(promise);
  if (phase_ == phase::running) {
    answer_starter(caf::none);
    return;
  }
  phase_ = phase::starting;
  failed_listeners_ = 0;
  auto* port = bridges_.front()->port();
  if (port == nullptr) {
    end_start(make_error(errc::shutting_down));
  } else if (auto err = check(options_)) {
    end_start(std::move(err));
  } else {
    give_up_at_ = port->now() + defaults::name_linger;
    try {
      look_up_access(*this, options_.access, [this](caf::expected<port::resolved_access> access) {
        if (access) {
          access_ = std::move(*access);
          listen();
        } else {
          end_start(std::move(access.error()));
        }
        // Those that came while names were looked up.
        serve_requests();
      });
    } catch (...) {
      abandon_start(std::current_exception());
    }
  }
}

void server_actor::abandon_start(std::exception_ptr thrown) {
  auto failure = errors::request_threw(name(), std::move(thrown));
  if (listening_)
    begin_stopping();
  else
    phase_ = phase::stopped;
  answer_starter(std::move(failure));
}

void server_actor::listen() {
  try {
    try_to_listen();
  } catch (...) {
    abandon_start(std::current_exception());
  }
}

void server_actor::try_to_listen() {
  auto* port = bridges_.front()->port();
  auto failure = port != nullptr ? publish() : make_error(errc::shutting_down);
  if (code_of(failure) == errc::pipe_busy) {
    if (port->now() < give_up_at_) {
      pass(mark::publish_asked_again);
      delayed_send(this, defaults::name_linger_step, publish_again{});
      return;
    }
    failure = errors::failed(errc::pipe_in_use, "cannot publish " + options_.pipe_name, 0,
                             "a live server of another program has the name");
  }
  end_start(std::move(failure));
}

void server_actor::end_start(caf::error failure) {
  if (failure)
    phase_ = phase::stopped;
  else
    begin_running();
  answer_starter(std::move(failure));
}

void server_actor::answer_starter(caf::error failure) {
  if (starter_.pending() && failure)
    starter_.deliver(std::move(failure));
  else if (starter_.pending())
    starter_.deliver(ready_);
  starter_ = {};
}

caf::error server_actor::publish() {
  auto& port = *bridges_.front()->port();
  port::listen_request request;
  request.pipe_name = options_.pipe_name;
  request.mode = options_.mode;
  request.backlog = options_.pending_instances;
  request.max_message_size = options_.mode == pipe_mode::message ? options_.max_message_size : 0;
  request.access = access_;
  auto listener = port.listen(request);
  if (!listener)
    return listener.error();
  try {
    bridges_.front()->serve(*listener, caf::actor{this});
  } catch (...) {
    port.stop_listening(*listener);
    throw;
  }
  listener_ = *listener;
  listening_ = true;
  published_at_ = port.now();
  return caf::none;
}

void server_actor::begin_running() {
  auto& port = *bridges_.front()->port();
  auto settings = std::make_shared<connection_settings>();
  settings->coordinator_id = id_;
  settings->options = options_;
  set_limits(*settings, port);
  settings->access = access_;
  if (options_.connections_per_user != 0)
    settings->quota = std::make_shared<user_quota>(options_.connections_per_user);
  settings->coordinator = caf::actor{this};
  settings->handler = handler_;
  settings->make_session = make_session_;
  ready_ = server_ready{caf::actor{this}, options_.pipe_name, port.address(listener_),
                        settings->send_limit};
  settings_ = std::move(settings);
  phase_ = phase::running;
  if (handler_)
    send(handler_, ready_);
}

void server_actor::on_publish_again() noexcept {
  if (phase_ == phase::starting) {
    listen();
    serve_requests();
    return;
  }
  auto* port = bridges_.front()->port();
  if (phase_ != phase::running || listening_ || port == nullptr)
    return;
  auto failure = publish();
  if (!failure) {
    pass(mark::listener_replaced);
    ready_.address = port->address(listener_);
    log_warning("a server listens again, at " + ready_.address);
  } else if (++failed_listeners_ < most_failed_listeners) {
    delayed_send(this, failed_listeners_ * publish_pause, publish_again{});
  } else {
    fail(std::move(failure));
    serve_requests();
  }
}

void server_actor::fail(caf::error reason) {
  pass(mark::server_gave_up);
  log_warning("a server stops because it cannot listen again: " + describe(reason));
  if (handler_)
    send(handler_, server_failed{caf::actor{this}, options_.pipe_name, std::move(reason)});
  begin_stopping();
}

void server_actor::begin_stopping() noexcept {
  phase_ = phase::stopping;
  if (auto* port = bridges_.front()->port(); port != nullptr && listening_)
    port->stop_listening(listener_);
  else
    listening_ = false;
  for (auto& [id, connection] : connections_)
    connection.async_close();
  finish_stopping();
}

void server_actor::finish_stopping() {
  if (phase_ != phase::stopping || listening_ || opening_ > 0 || !connections_.empty())
    return;
  phase_ = phase::stopped;
  settings_ = nullptr;
  ready_ = {};
  answer_stoppers();
}

void server_actor::answer_stoppers() {
  for (auto& promise : std::exchange(stoppers_, {}))
    if (promise.pending())
      promise.deliver(caf::unit);
}

void server_actor::on_listener_closed(const listener_closed& x) noexcept {
  listening_ = false;
  auto* port = bridges_.front()->port();
  if (phase_ == phase::running && x.reason && port != nullptr) {
    if (port->now() - published_at_ > listener_lives)
      failed_listeners_ = 0;
    if (failed_listeners_ < most_failed_listeners) {
      delayed_send(this, failed_listeners_++ * publish_pause, publish_again{});
      return;
    }
    fail(x.reason);
  } else if (phase_ == phase::running) {
    // The bridge closes its listeners itself when the context ends.
    begin_stopping();
  } else {
    finish_stopping();
  }
  serve_requests();
}

// -- connections ------------------------------------------------------------------------------

void server_actor::on_accepted(const client_accepted& client) {
  if (phase_ != phase::running)
    return;
  auto& bridge = least_loaded(bridges_);
  if (&bridge == bridges_.front().get()) {
    if (bridge.port() == nullptr)
      return;
    ++opening_;
    adopt(bridge, *settings_, std::move(*client.raw));
  } else if (auto actor = bridge.actor()) {
    send(actor, adopt_client{settings_, client.raw});
    ++opening_;
  }
}

void server_actor::on_connection_opened(const connection_opened& x) noexcept {
  --opening_;
  if (!x.connection) {
    finish_stopping();
    serve_requests();
    return;
  }
  connections_.emplace(x.connection.id(), x.connection);
  if (phase_ != phase::running) {
    pass(mark::client_opened_during_stop);
    x.connection.async_close();
  }
}

void server_actor::on_connection_closed(const connection_closed& x) noexcept {
  connections_.erase(x.id);
  finish_stopping();
  serve_requests();
}

// -- broadcast --------------------------------------------------------------------------------

caf::response_promise server_actor::on_broadcast(const async_broadcast& request) {
  auto promise = promise_of_request();
  if (auto err = request.cookie.check_arrival()) {
    if (promise.pending())
      promise.deliver(std::move(err));
    return promise;
  }
  broadcast_job job;
  job.coordinator_id = id_;
  job.write.data = request.data;
  job.write.cookie = request.cookie;
  if (promise.pending()) {
    auto id = ++last_broadcast_;
    broadcasts_.emplace(id, promise);
    job.write.tracker = std::make_shared<broadcast_tracker>(id, caf::actor{this});
  }
  if (request.data.empty() || phase_ != phase::running)
    return promise;
  for (auto& bridge : bridges_) {
    if (bridge == bridges_.front())
      bridge->broadcast(job);
    else if (auto actor = bridge->actor())
      send(actor, job);
  }
  return promise;
}

void server_actor::on_broadcast_ended(const broadcast_ended& x) noexcept {
  auto promise = broadcasts_.extract(x.id);
  if (!promise.empty())
    promise.mapped().deliver(x.result);
}

} // namespace pipeactor::detail
