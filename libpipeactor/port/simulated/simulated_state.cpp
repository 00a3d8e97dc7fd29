#include "port/simulated/simulated_state.hpp"

#include "base/errors.hpp"
#include "base/pattern.hpp"

#include <cassert>

namespace pipeactor::port {

// -- connections ------------------------------------------------------------------------------

void simulated_link::channel::push(pipe_mode mode, std::string_view data) {
  assert(!ended && !reader_gone);
  bytes += data.size();
  if (mode == pipe_mode::message)
    pieces.emplace_back(data);
  else if (!data.empty() && pieces.empty())
    pieces.emplace_back(data);
  else if (!data.empty())
    pieces.back() += data;
}

/// Takes a message, or in byte mode up to `limit` bytes.
std::string simulated_link::channel::pop(pipe_mode mode, size_t limit) {
  assert(!pieces.empty());
  auto& front = pieces.front();
  std::string result;
  if (mode == pipe_mode::message || front.size() <= limit) {
    result = std::move(front);
    pieces.pop_front();
  } else {
    result = front.substr(0, limit);
    front.erase(0, limit);
  }
  bytes -= result.size();
  return result;
}

void simulated_link::channel::clear() {
  pieces.clear();
  bytes = 0;
}

// -- the network ------------------------------------------------------------------------------

caf::expected<simulated_end> simulated_state::connect(const std::string& name, pipe_mode mode,
                                                      peer_identity who) {
  if (name.empty())
    return make_error(errc::missing_pipe_name);
  std::lock_guard guard{mutex};
  auto found = names.find(name);
  if (found == names.end())
    return errors::failed(errc::no_such_pipe, "cannot connect to " + name);
  auto& listener = *found->second;
  if (listener.request.mode != mode)
    return errors::other_pipe_mode(name);
  if (listener.backlog.size() >= std::max<size_t>(listener.request.backlog, 1))
    return errors::failed(errc::pipe_busy, "cannot connect to " + name);
  auto link = std::make_shared<simulated_link>();
  link->mode = mode;
  link->who[0] = std::move(who);
  link->who[1] = servers;
  listener.backlog.push_back({link, 1});
  changed.notify_all();
  return simulated_end{link, 0};
}

std::vector<std::string> simulated_state::find(const std::string& pattern) const {
  std::vector<std::string> result;
  std::lock_guard guard{mutex};
  for (auto& [name, listener] : names)
    if (name.front() != '/' && pipeactor::detail::matches(pattern, name))
      result.push_back(name);
  return result;
}

} // namespace pipeactor::port
