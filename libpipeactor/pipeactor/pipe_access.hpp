#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pipeactor {

/// Who may be at the other end of a pipe: a value of names, which are looked up when a server
/// starts or a client first connects. Whatever it says, root and the user that this process
/// runs as are admitted. On Windows LocalSystem takes root's place.
///
/// A principal is the name of a user or a user id ("alice", "1000"), or the name of a group or
/// a group id behind "@" ("@staff", "@50"). A number is always an id. A member of a group is
/// whose primary or supplementary group it is, as the kernel reports it. On Windows ids are
/// "S-1-5-...", names may have a domain before them ("OFFICE\alice"), and a number is nobody's.
class PIPEACTOR_EXPORT pipe_access {
public:
  enum class kind : uint8_t { owner, group, everyone, list };

  /// The same as `owner()`.
  pipe_access() noexcept = default;

  /// The user that this process runs as.
  static pipe_access owner();

  /// The members of one group.
  /// @param name a group's name or id; empty: the group that this process runs as
  static pipe_access group(std::string name = {});

  /// Every user of this machine.
  static pipe_access everyone();

  /// The principals of a list, at least one.
  static pipe_access list(std::vector<std::string> principals);

  /// Reads what `to_string` writes: "owner", "group", "group:NAME", "everyone" or
  /// "list:PRINCIPAL,...".
  /// @returns `errc::invalid_option` for anything else
  static caf::expected<pipe_access> parse(const std::string& text);

  kind type() const noexcept {
    return kind_;
  }

  /// What `list` was given; of `group` "@NAME", or nothing for this process's own.
  const std::vector<std::string>& principals() const noexcept {
    return principals_;
  }

  friend bool operator==(const pipe_access& lhs, const pipe_access& rhs) noexcept {
    return lhs.kind_ == rhs.kind_ && lhs.principals_ == rhs.principals_;
  }

  friend bool operator!=(const pipe_access& lhs, const pipe_access& rhs) noexcept {
    return !(lhs == rhs);
  }

private:
  pipe_access(kind type, std::vector<std::string> principals)
      : kind_(type), principals_(std::move(principals)) {}

  kind kind_ = kind::owner;
  std::vector<std::string> principals_;
};

PIPEACTOR_EXPORT std::string to_string(const pipe_access& access);

} // namespace pipeactor
