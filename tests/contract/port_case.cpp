#include "contract/port_case.hpp"

#include "pipeactor/error.hpp"
#include "port/completion_port.hpp"
#include "contract/test_client.hpp"
#include "skip.hpp"

#include <map>

namespace contract {

namespace {

/// Returns why the port cannot be had on this machine, or nothing: containers refuse io_uring.
const std::string& missing_port(port_kind kind) {
  static std::map<port_kind, std::string> known;
  auto [entry, is_new] = known.try_emplace(kind);
  if (is_new && kind != port_kind::simulated)
    if (auto made = port::make_completion_port(kind, 0us); !made)
      entry->second = describe(made.error());
  return entry->second;
}

bool has(port_kind kind, needs need) {
  auto windows = kind == port_kind::iocp;
  switch (need) {
  case needs::half_close:
  // Windows reports it only if a write still waited for room.
  case needs::reset_if_unread:
    return !windows;
  // Wine takes FILE_FLAG_FIRST_PIPE_INSTANCE and does nothing with it, and it lists no pipes.
  case needs::one_server_per_name:
  case needs::discovery:
    return !windows || !runs_under_wine();
  // tests/integration has processes of other users for the ports that are not simulated.
  case needs::users:
    return kind == port_kind::simulated;
  case needs::user_ids:
    return this_process().uid >= 0;
  }
  return false;
}

class port_case_invoker final : public Catch::ITestInvoker {
public:
  port_case_invoker(port_kind kind, void (*function)(port_kind), std::vector<needs> all)
      : kind_(kind), function_(function), needs_(std::move(all)) {}

  void invoke() const override {
    if (auto& why = missing_port(kind_); !why.empty())
      test::skip("on " + to_string(kind_) + ": " + why);
    for (auto need : needs_)
      if (!has(kind_, need))
        test::skip("on " + to_string(kind_) + ": needs " + to_string(need));
    function_(kind_);
  }

private:
  port_kind kind_;
  void (*function_)(port_kind);
  std::vector<needs> needs_;
};

} // namespace

std::string to_string(needs need) {
  switch (need) {
  case needs::half_close:
    return "half_close";
  case needs::reset_if_unread:
    return "reset_if_unread";
  case needs::one_server_per_name:
    return "one_server_per_name";
  case needs::discovery:
    return "discovery";
  case needs::users:
    return "users";
  case needs::user_ids:
    return "user_ids";
  }
  return "?";
}

void port_case::register_at(const Catch::SourceLineInfo& where) const {
  for (auto kind : ports_of_this_system()) {
    auto port = to_string(kind);
    auto name = port + "/" + name_;
    auto tags = tags_ + "[" + port + "]";
    // Registers in its constructor, and does not keep it.
    Catch::AutoReg{new port_case_invoker(kind, function_, needs_), where, "", {name, tags}};
  }
}

} // namespace contract
