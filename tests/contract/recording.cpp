#include "contract/recording.hpp"

#include <algorithm>

namespace contract {

// -- event_log --------------------------------------------------------------------------------

void event_log::add(uint64_t id, std::string line) {
  std::lock_guard guard{mutex_};
  entries_.push_back({id, std::move(line), std::this_thread::get_id()});
  changed_.notify_all();
}

void event_log::add_connection(const named_pipe_connection& connection) {
  std::lock_guard guard{mutex_};
  connections_.push_back(connection);
  changed_.notify_all();
}

bool event_log::wait_for(uint64_t id, std::string_view prefix, size_t count) {
  size_t next = 0;
  std::unique_lock guard{mutex_};
  return changed_.wait_for(guard, patience, [&] {
    for (; next < entries_.size() && count > 0; ++next) {
      auto& entry = entries_[next];
      if ((id == 0 || entry.id == id) && entry.line.compare(0, prefix.size(), prefix) == 0)
        --count;
    }
    return count == 0;
  });
}

named_pipe_connection event_log::connection(size_t index) {
  std::unique_lock guard{mutex_};
  if (!changed_.wait_for(guard, patience, [&] { return connections_.size() > index; }))
    return {};
  return connections_[index];
}

void event_log::forget_connections() {
  std::vector<named_pipe_connection> dropped;
  std::lock_guard guard{mutex_};
  std::swap(dropped, connections_);
}

lines event_log::of(uint64_t id) const {
  std::lock_guard guard{mutex_};
  lines result;
  for (auto& entry : entries_)
    if (entry.id == id)
      result.push_back(entry.line);
  return result;
}

lines event_log::all() const {
  std::lock_guard guard{mutex_};
  lines result;
  for (auto& entry : entries_)
    result.push_back(entry.line);
  return result;
}

size_t event_log::count(std::string_view prefix, uint64_t id) const {
  std::lock_guard guard{mutex_};
  return static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), [&](auto& entry) {
    return (id == 0 || entry.id == id) && entry.line.compare(0, prefix.size(), prefix) == 0;
  }));
}

std::set<std::thread::id> event_log::threads(uint64_t id) const {
  std::lock_guard guard{mutex_};
  std::set<std::thread::id> result;
  for (auto& entry : entries_)
    if (id == 0 || entry.id == id)
      result.insert(entry.thread);
  return result;
}

// -- lines ------------------------------------------------------------------------------------

std::string in_brackets(const cookie& value) {
  if (value.empty())
    return "";
  auto* number = value.get_if<int>();
  return " [" + (number != nullptr ? std::to_string(*number) : "?") + "]";
}

std::string short_text(std::string_view bytes) {
  return bytes.size() <= 40 ? std::string{bytes} : "#" + std::to_string(bytes.size());
}

namespace {

std::string line_of_end(const named_pipe_connection& connection, const caf::error& reason) {
  auto line = "disconnected " + to_string(code_of(reason));
  if (connection.is_connected())
    line += " while connected";
  if (connection.native_handle() != invalid_native_handle)
    line += " with a handle";
  return line;
}

} // namespace

script echo() {
  script result;
  result.received = [](const named_pipe_connection& connection, const cookie&,
                       const payload& data) { connection.async_write(data); };
  return result;
}

// -- recorder ---------------------------------------------------------------------------------

void recorder::operator()(const server_ready& e) const {
  log_.add(0, "ready " + e.pipe_name);
  if (todo_.ready)
    todo_.ready(e);
}

void recorder::operator()(const server_failed& e) const {
  log_.add(0, "server failed " + to_string(code_of(e.reason)));
}

void recorder::operator()(const connected_event& e) const {
  log_.add(e.connection.id(), "connected");
  log_.add_connection(e.connection);
  if (todo_.connected)
    todo_.connected(e.connection);
}

void recorder::operator()(const connect_failed& e) const {
  log_.add(e.connection_id, "connect failed " + to_string(code_of(e.error)));
}

void recorder::operator()(const message_received_event& e) const {
  log_.add(e.connection.id(), "received " + short_text(e.data.text()) + in_brackets(e.cookie));
  if (todo_.received)
    todo_.received(e.connection, e.cookie, e.data);
}

void recorder::operator()(const message_sent_event& e) const {
  log_.add(e.connection.id(), "sent" + in_brackets(e.cookie));
  if (todo_.sent)
    todo_.sent(e.connection, e.cookie);
}

void recorder::operator()(const message_failed_event& e) const {
  log_.add(e.connection.id(), "failed " + to_string(code_of(e.error)) + in_brackets(e.cookie));
  if (todo_.failed)
    todo_.failed(e.connection, e.cookie, e.error);
}

void recorder::operator()(const reconnecting& e) const {
  log_.add(e.connection.id(), "reconnecting " + to_string(code_of(e.reason)));
}

void recorder::operator()(const disconnected_event& e) const {
  log_.add(e.connection_id, line_of_end(e.connection, e.reason));
  if (todo_.disconnected)
    todo_.disconnected(e.connection, e.reason);
}

// -- handler and session ----------------------------------------------------------------------

caf::behavior recording_handler(caf::event_based_actor*, log_writer log, script todo) {
  recorder record{log, std::move(todo)};
  auto note = [log](const std::string& text) { log.add(0, text); };
#define RECORD(event) [record](const event& e) { record(e); },
  return caf::message_handler{PIPEACTOR_EVENTS(RECORD) note};
#undef RECORD
}

recording_session::recording_session(const log_ptr& log, script todo)
    : log_(log), record_(log_, std::move(todo)) {}

recording_session::~recording_session() {
  log_.add(0, "session gone");
}

void recording_session::note(std::string line) {
  log_.add(id_, std::move(line));
}

void recording_session::connected() {
  id_ = connection().id();
  record_(connected_event{connection()});
}

void recording_session::message_received(const pipeactor::cookie& cookie, const payload& data) {
  record_(message_received_event{connection(), cookie, data});
}

void recording_session::message_sent(const pipeactor::cookie& cookie) {
  record_(message_sent_event{connection(), cookie});
}

void recording_session::message_failed(const pipeactor::cookie& cookie, const caf::error& error) {
  record_(message_failed_event{connection(), cookie, error});
}

void recording_session::connect_failed(const caf::error& error) {
  id_ = connection().id();
  record_(pipeactor::connect_failed{connection(), id_, error});
}

void recording_session::reconnecting(const caf::error& reason, caf::timespan delay) {
  id_ = connection().id();
  record_(pipeactor::reconnecting{connection(), reason, delay});
}

void recording_session::disconnected(const caf::error& reason) {
  record_(disconnected_event{connection(), id_, reason});
}

// -- gate -------------------------------------------------------------------------------------

void gate::open() {
  std::lock_guard guard{mutex_};
  open_ = true;
  changed_.notify_all();
}

void gate::pass() {
  std::unique_lock guard{mutex_};
  visited_ = true;
  changed_.notify_all();
  changed_.wait_for(guard, patience, [this] { return open_; });
}

bool gate::wait_for_visitor() {
  std::unique_lock guard{mutex_};
  return changed_.wait_for(guard, patience, [this] { return visited_; });
}

} // namespace contract
