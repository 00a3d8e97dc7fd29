#include "port/windows/iocp_port.hpp"

#include "port/windows/pipe_discovery.hpp"
#include "port/windows/windows_error.hpp"
#include "port/windows/windows_identity.hpp"

#include <algorithm>
#include <cassert>

namespace pipeactor::port {

namespace {

using namespace std::chrono_literals;

/// Each costs an instance and a wait of the system's thread pool. Clients that find no free one
/// wait: ours do, and most others.
constexpr size_t most_instances = 64;

/// The number of an instance has its listener's id in these bits.
constexpr ULONG_PTR listener_bits = 24;
static_assert(listener_table<iocp_listener>::most < (ULONG_PTR{1} << listener_bits));

constexpr auto longest_sleep = std::chrono::milliseconds{1h};
constexpr DWORD poll_for_completion_milliseconds = 1;

bool may_be_over_soon(const caf::error& err) {
  return code_of(err) == errc::out_of_resources;
}

} // namespace

// -- life -------------------------------------------------------------------------------------

caf::expected<std::unique_ptr<completion_port>> iocp_port::make(std::chrono::microseconds spin) {
  auto queue = iocp_queue::make();
  if (!queue)
    return std::move(queue.error());
  return std::unique_ptr<completion_port>{new iocp_port(std::move(*queue), spin)};
}

iocp_port::iocp_port(iocp_queue queue, std::chrono::microseconds spin)
    : system_port(spin), queue_(std::move(queue)) {}

iocp_port::~iocp_port() = default;

port_kind iocp_port::kind() const noexcept {
  return port_kind::iocp;
}

bool iocp_port::guards_access() const noexcept {
  return true;
}

size_t iocp_port::max_message_size() const noexcept {
  return longest_windows_message;
}

caf::error iocp_port::check_message_size(size_t size) const {
  return check_windows_message_size(size);
}

// -- listening --------------------------------------------------------------------------------

caf::expected<listener_id> iocp_port::listen(const listen_request& request) {
  if (auto err = check_windows_message_size(request.max_message_size))
    return err;
  auto settings = make_instance_settings(request);
  if (!settings)
    return std::move(settings.error());
  caf::error failure;
  auto& l = listeners_.add([&](listener& l) {
    l.gate.on_open([this] { wake(); });
    l.settings = std::move(*settings);
    l.backlog = std::clamp<size_t>(request.backlog, 1, most_instances);
    failure = add_instance(l, true);
  });
  if (failure) {
    listeners_.remove(l);
    return failure;
  }
  // If there are no resources for all of them now, the others come later.
  begin_accepting(l);
  return l.id;
}

std::string iocp_port::address(listener_id id) const {
  auto* l = listeners_.find(id);
  return l != nullptr ? l->settings.address : std::string{};
}

void iocp_port::begin_accepting(listener& l) {
  accept_arrived(l);
  // Clients that wait for the gate keep their instances: that is the backlog.
  while (!l.closing() && l.instances.size() < l.backlog) {
    auto err = add_instance(l, false);
    if (!err)
      continue;
    // Without an instance that waits, only a shortage passes by itself.
    if (l.instances.empty() && !may_be_over_soon(err))
      fail(l, std::move(err));
    else
      rest(l, now(), l.settings.address, err);
    return;
  }
  all_accepted(l);
}

bool iocp_port::end_accepting(listener& l) {
  l.arrived.clear();
  l.instances.clear();
  return true;
}

caf::error iocp_port::add_instance(listener& l, bool is_first) {
  auto pipe = make_instance(l.settings, is_first);
  if (!pipe)
    return std::move(pipe.error());
  auto number = (++last_instance_ << listener_bits) | l.id;
  auto instance = std::make_unique<listening_instance>(std::move(*pipe), queue_, client_came,
                                                       number);
  auto* made = instance.get();
  l.instances.emplace(number, std::move(instance));
  auto err = made->listen();
  if (err)
    l.instances.erase(number);
  return err;
}

void iocp_port::on_client(ULONG_PTR number) {
  auto* l = listeners_.find(static_cast<listener_id>(number & ((1 << listener_bits) - 1)));
  // The packet may also be for a listener that had this id before.
  if (l == nullptr || l->closing() || l->instances.count(number) == 0)
    return;
  l->arrived.push_back(number);
  accept_arrived(*l);
}

void iocp_port::accept_arrived(listener& l) {
  while (!l.closing() && !l.arrived.empty() && l.gate.is_open()) {
    auto i = l.instances.find(l.arrived.front());
    l.arrived.pop_front();
    auto pipe = i->second->take();
    // Its replacement is made first: between two instances clients would find no pipe at all.
    auto err = add_instance(l, false);
    l.instances.erase(i);
    if (!pipe)
      err = std::move(pipe.error());
    if (err)
      rest(l, now(), l.settings.address, err);
    if (!pipe)
      return;
    auto raw = std::make_unique<windows_pipe>(std::move(*pipe));
    raw->ticket = l.gate.admit();
    reported_ = true;
    handler_->on_accepted(l.id, std::move(raw));
  }
}

// -- discovery --------------------------------------------------------------------------------

pipe_finder iocp_port::finder() const {
  return find_pipe_names;
}

// -- pipes ------------------------------------------------------------------------------------

caf::expected<raw_pipe_ptr> iocp_port::connect(const std::string& pipe_name, pipe_mode mode) {
  auto handle = connect_windows(pipe_name, mode);
  if (!handle)
    return std::move(handle.error());
  return raw_pipe_ptr{std::make_unique<windows_pipe>(std::move(*handle))};
}

void iocp_port::adopt(pipe_record_ptr pipe, raw_pipe_ptr raw) {
  auto* handle = static_cast<windows_pipe&>(*raw).handle.get();
  auto peer = peer_of(handle);
  auto& s = slots_.take(pipe);
  s.handle = std::move(static_cast<windows_pipe&>(*raw).handle);
  s.read.owner = &s;
  set_connected(*pipe, reinterpret_cast<native_handle_type>(handle), std::move(peer));
  // An operation that ends at once posts a packet too (SetFileCompletionNotificationModes could
  // change that): the end of a read of a long message, ERROR_MORE_DATA, would be in doubt else.
  s.failure = queue_.bind(handle, operation_done);
  if (s.failure)
    write_failed(s, static_cast<DWORD>(os_code_of(s.failure)));
}

// -- a turn -----------------------------------------------------------------------------------

void iocp_port::serve_slot(slot& s) {
  if (!s.closing()) {
    if (s.failure)
      end_reading(s, std::exchange(s.failure, {}));
    begin_writing(s);
    begin_reading(s);
    return;
  }
  if (s.life == life_state::closing) {
    s.life = life_state::cancelled;
    cancel(s);
  }
  if (!s.has_outstanding())
    finish_close(s);
}

bool iocp_port::poll() {
  return take_packets(0);
}

void iocp_port::sleep(time_point deadline) {
  auto milliseconds = INFINITE;
  if (deadline != time_point::max()) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now());
    milliseconds = static_cast<DWORD>(std::clamp(left, 0ms, longest_sleep).count());
  }
  take_packets(milliseconds);
}

/// @returns whether there are any
bool iocp_port::take_packets(DWORD milliseconds) {
  auto count = queue_.take(milliseconds);
  num_packets_ = count ? *count : 0;
  if (!count)
    fail_port(std::move(count.error()));
  return num_packets_ > 0;
}

void iocp_port::dispatch() {
  for (size_t index = 0; index < num_packets_; ++index)
    dispatch(queue_.packet(index));
  num_packets_ = 0;
}

void iocp_port::dispatch(const OVERLAPPED_ENTRY& packet) {
  switch (packet.lpCompletionKey) {
  case client_came:
    on_client(reinterpret_cast<ULONG_PTR>(packet.lpOverlapped));
    return;
  case operation_done: {
    auto& done = *reinterpret_cast<operation*>(packet.lpOverlapped);
    assert(done.owner->pipe != nullptr);
    if (done.what == operation::type::read)
      on_read(*done.owner, packet.dwNumberOfBytesTransferred);
    else
      on_written(*done.owner, done);
    return;
  }
  default:
    assert(packet.lpCompletionKey == woken);
  }
}

void iocp_port::signal() noexcept {
  queue_.post(woken, 0);
}

// -- closing ----------------------------------------------------------------------------------

/// Cancelled operations come back in packets all the same; until then nothing may be freed.
void iocp_port::cancel(slot& s) noexcept {
  if (CancelIoEx(s.handle.get(), nullptr) || GetLastError() == ERROR_NOT_FOUND)
    return;
  // To close the handle ends its operations too.
  clear_handle(*s.pipe);
  s.handle = unique_handle{};
}

void iocp_port::close_handle(slot& s) noexcept {
  if (failed() && s.has_outstanding()) {
    // No packet reports when the system is done with our memory.
    cancel(s);
    auto wait_for = [](const operation& what) {
      while (!HasOverlappedIoCompleted(&what.overlapped))
        Sleep(poll_for_completion_milliseconds);
    };
    if (s.reading == read_state::reading || s.reading == read_state::joining)
      wait_for(s.read);
    for (; s.num_in_flight > 0; --s.num_in_flight)
      wait_for(
        s.write_operations[(s.first_in_flight + s.num_in_flight - 1) % slot::writes_in_flight]);
    s.reading = read_state::idle;
  }
  assert(!s.has_outstanding());
  // Not DisconnectNamedPipe, which throws away what the peer has not read yet.
  s.handle = unique_handle{};
}

} // namespace pipeactor::port
