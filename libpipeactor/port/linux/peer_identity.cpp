#include "pipeactor/peer_identity.hpp"

#include "base/errors.hpp"
#include "port/linux/known_ids.hpp"
#include "port/principal.hpp"

#include <grp.h>
#include <pwd.h>
#include <spdlog/fmt/fmt.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <type_traits>

namespace pipeactor {

namespace {

/// Room for what a user's or group's entry points to, at first and at most.
constexpr size_t first_entry_size = 4096;
constexpr size_t largest_entry_size = size_t{1} << 24;
/// (uid_t) -1 is no id.
constexpr int64_t largest_id = 0xFFFFFFFE;
constexpr size_t most_digits = 10;

/// Calls one of getpwnam_r(3), getgrgid_r(3), ... with a buffer that is long enough.
/// @param why set if the database cannot be read
/// @returns what `get` takes from the entry; nothing if there is no entry
template <class Entry, class Key, class Get>
std::optional<std::invoke_result_t<Get, const Entry&>>
look_up(int (*call)(Key, Entry*, char*, size_t, Entry**), Key key, Get get, caf::error& why) {
  std::vector<char> buffer(first_entry_size);
  for (;;) {
    Entry entry;
    Entry* found = nullptr;
    auto code = call(key, &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr)
      return get(entry);
    if (code == EINTR)
      continue;
    if (code == ERANGE && buffer.size() < largest_entry_size) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    // The manual: all of these may mean that there is no such entry.
    if (code != 0 && code != ENOENT && code != ESRCH && code != EBADF && code != EPERM)
      why = make_error(errc::os_error, "cannot read the system's database of users", code);
    return std::nullopt;
  }
}

template <class Entry, class Get>
caf::expected<port::principal_id> find(const std::string& what, const std::string& name,
                                       int (*call)(const char*, Entry*, char*, size_t, Entry**),
                                       Get get) {
  if (!name.empty() && name.find_first_not_of("0123456789") == std::string::npos) {
    if (name.size() <= most_digits)
      if (int64_t id = std::stoll(name); id <= largest_id)
        return port::principal_id{id, {}};
    return make_error(errc::invalid_option,
                      fmt::format("there is no {} id {}: use 0 to {}", what, name, largest_id));
  }
  caf::error why;
  if (auto id = look_up(call, name.c_str(), get, why))
    return port::principal_id{*id, {}};
  if (why)
    return why;
  return errors::no_such_principal(what, name, "use a name of this system, or a number");
}

/// Returns e.g. "uid 1000 (alice)".
template <class Entry, class Id, class Get>
std::string with_name(int64_t id, int (*call)(Id, Entry*, char*, size_t, Entry**), Get get) {
  if (id < 0)
    return "unknown";
  caf::error ignored;
  auto name = look_up(call, static_cast<Id>(id), get, ignored);
  return std::to_string(id) + (name ? " (" + *name + ")" : std::string{});
}

std::string group_with_name(int64_t id) {
  return with_name(id, getgrgid_r, [](const group& x) { return std::string{x.gr_name}; });
}

std::string number(int64_t value, int64_t unknown) {
  return value == unknown ? std::string{"unknown"} : std::to_string(value);
}

} // namespace

std::string to_string(const peer_identity& peer) {
  return "pid " + number(peer.pid, 0) + ", uid " + number(peer.uid, -1) + ", gid "
         + number(peer.gid, -1);
}

std::string describe(const peer_identity& peer) {
  auto user = with_name(peer.uid, getpwuid_r,
                        [](const passwd& x) { return std::string{x.pw_name}; });
  auto result = "pid " + number(peer.pid, 0) + ", uid " + user + ", gid "
                + group_with_name(peer.gid);
  if (!peer.groups.empty())
    result += ", groups";
  for (auto id : peer.groups)
    result += " " + group_with_name(id);
  return result;
}

peer_identity this_process() {
  peer_identity result;
  result.pid = getpid();
  result.uid = port::known_user(geteuid());
  result.gid = port::known_group(getegid());
  std::vector<gid_t> groups;
  // Another thread may change their number between the two calls.
  for (int count = getgroups(0, nullptr); count > 0; count = getgroups(0, nullptr)) {
    groups.resize(static_cast<size_t>(count));
    if (auto got = getgroups(count, groups.data()); got >= 0) {
      groups.resize(static_cast<size_t>(got));
      for (auto id : groups)
        if (auto known = port::known_group(id); known >= 0)
          result.groups.push_back(known);
      break;
    }
  }
  return result;
}

namespace port {

caf::expected<principal_id> find_user(const std::string& user) {
  return find("user", user, getpwnam_r, [](const passwd& x) { return int64_t{x.pw_uid}; });
}

caf::expected<principal_id> find_group(const std::string& group) {
  return find("group", group, getgrnam_r, [](const ::group& x) { return int64_t{x.gr_gid}; });
}

} // namespace port

} // namespace pipeactor
