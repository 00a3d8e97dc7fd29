#include "actors/client_manager_actor.hpp"

#include "pipeactor/error.hpp"
#include "actors/access_lookup.hpp"
#include "actors/adoption.hpp"
#include "actors/statistics_report.hpp"
#include "base/errors.hpp"

#include <algorithm>

namespace pipeactor::detail {

client_manager_actor::client_manager_actor(caf::actor_config& cfg,
                                           std::vector<bridge_connections_ptr> bridges,
                                           client_options options, caf::actor handler,
                                           session_factory_ptr make_session)
    : pinned_actor(cfg), bridges_(std::move(bridges)), options_(std::move(options)),
      handler_(std::move(handler)), make_session_(std::move(make_session)),
      id_(next_coordinator_id()) {}

const char* client_manager_actor::name() const {
  return "pipeactor.client_manager";
}

caf::behavior client_manager_actor::make_behavior() {
  set_default_handler(caf::drop);
  return {
    [this](const connect& x) { return on_connect(x); },
    [this](const find_named_pipes& x) { return on_find(x); },
    [this](const stop&) { return on_stop(); },
    [this](const get_stats&) {
      auto promise = make_response_promise();
      gather_statistics(*this, bridges_, id_, promise);
      return promise;
    },
    [this](const connection_closed& x) { on_connection_closed(x); },
  };
}

void client_manager_actor::on_exit() {
  for (auto& [request, promise] : std::exchange(connects_, {}))
    promise.deliver(make_error(errc::shutting_down));
  for (auto& stopper : stoppers_)
    stopper.promise.deliver(make_error(errc::shutting_down));
  stoppers_.clear();
  connections_.clear();
  settings_ = nullptr;
  handler_ = nullptr;
  bridges_.clear();
}

caf::error client_manager_actor::check_options() {
  auto* port = bridges_.front()->port();
  if (port == nullptr)
    return make_error(errc::shutting_down);
  if (auto err = check(options_))
    return err;
  return options_.mode == pipe_mode::message ? port->check_message_size(options_.max_message_size)
                                             : caf::none;
}

void client_manager_actor::make_settings(port::resolved_access trusted) {
  auto settings = std::make_shared<connection_settings>();
  settings->coordinator_id = id_;
  settings->outgoing = true;
  settings->options = options_;
  set_limits(*settings, *bridges_.front()->port());
  settings->access = std::move(trusted);
  settings->coordinator = caf::actor{this};
  settings->handler = handler_;
  settings->make_session = make_session_;
  settings_ = std::move(settings);
}

caf::response_promise client_manager_actor::on_connect(const connect& request) {
  connects_.push_back({request, make_response_promise()});
  auto promise = connects_.back().promise;
  if (settings_ != nullptr)
    answer_connects({});
  else if (auto err = check_options())
    answer_connects(err);
  else if (connects_.size() == 1) // the others wait for the same names
    look_up_access(*this, options_.trusted_servers,
                   [this](caf::expected<port::resolved_access> trusted) {
                     if (!trusted)
                       return answer_connects(trusted.error());
                     if (bridges_.front()->port() != nullptr)
                       make_settings(std::move(*trusted));
                     answer_connects({});
                   });
  return promise;
}

void client_manager_actor::answer_connects(const caf::error& failure) {
  for (auto& [request, promise] : std::exchange(connects_, {})) {
    if (failure) {
      promise.deliver(failure);
      continue;
    }
    if (bridges_.front()->port() == nullptr) {
      promise.deliver(make_error(errc::shutting_down));
      continue;
    }
    try {
      promise.deliver(open(request));
    } catch (...) {
      promise.deliver(errors::request_threw(name(), std::current_exception()));
    }
  }
}

named_pipe_connection client_manager_actor::open(const connect& request) {
  auto actor = spawn_connection(least_loaded(bridges_), *settings_);
  named_pipe_connection connection{actor};
  connections_.emplace(connection.id(), caf::actor_cast<caf::weak_actor_ptr>(actor));
  try {
    send(actor,
         open_pipe{request.pipe_name, request.timeout, options_.reconnect, settings_->access});
  } catch (...) {
    connections_.erase(connection.id());
    throw;
  }
  return connection;
}

namespace {

/// Answers one request, on the scheduler: directories may be slow.
caf::behavior finder_actor(caf::event_based_actor* self, const port::pipe_finder& find) {
  return {[self, find](const find_named_pipes& x) -> caf::result<std::vector<std::string>> {
    self->quit();
    auto names = find(x.pattern);
    if (!names)
      return std::move(names.error());
    return std::move(*names);
  }};
}

} // namespace

caf::result<std::vector<std::string>>
client_manager_actor::on_find(const find_named_pipes& request) {
  auto* port = bridges_.front()->port();
  if (port == nullptr)
    return make_error(errc::shutting_down);
  delegate(system().spawn<caf::hidden>(finder_actor, port->finder()), request);
  return caf::delegated<std::vector<std::string>>{};
}

caf::response_promise client_manager_actor::on_stop() {
  auto promise = promise_of_request();
  if (connections_.empty()) {
    if (promise.pending())
      promise.deliver(caf::unit);
    return promise;
  }
  stop_request stopper;
  stopper.promise = promise;
  for (auto& [id, connection] : connections_) {
    stopper.connections.insert(id);
    if (auto actor = caf::actor_cast<caf::actor>(connection))
      send(actor, async_close{});
  }
  if (promise.pending())
    stoppers_.push_back(std::move(stopper));
  return promise;
}

void client_manager_actor::on_connection_closed(const connection_closed& x) {
  connections_.erase(x.id);
  for (auto& stopper : stoppers_) {
    stopper.connections.erase(x.id);
    if (stopper.connections.empty())
      stopper.promise.deliver(caf::unit);
  }
  stoppers_.erase(std::remove_if(stoppers_.begin(), stoppers_.end(),
                                 [](auto& stopper) { return stopper.connections.empty(); }),
                  stoppers_.end());
}

} // namespace pipeactor::detail
