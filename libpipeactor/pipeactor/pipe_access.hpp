#pragma once

#include "pipeactor/caf.hpp"
#include "pipeactor/export.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pipeactor {

/// The users who may be at the other end of a pipe. Names are looked up when a server starts, or
/// when a client first connects. The user that this process runs as, and root, are always admitted;
/// on Windows LocalSystem takes root's place.
///
/// A principal is a user or a group. A user is written as a name or an id ("alice", "1000"), a
/// group with an "@" before it ("@staff", "@50"). A number is always an id. The members of a group
/// are the users whose primary or supplementary group it is, as the kernel reports it. On Windows
/// an id is a security identifier ("S-1-5-..."), a name may follow its domain ("OFFICE\alice"), and
/// a number names nobody.
class PIPEACTOR_EXPORT pipe_access {
public:
  /// Which of the functions below made a value.
  enum class kind : uint8_t { owner, group, everyone, list };

  /// The same as `owner()`.
  pipe_access() noexcept = default;

  /// Returns a value that admits the user that this process runs as.
  static pipe_access owner();

  /// Returns a value that admits the members of one group.
  /// @param name the group's name or id; empty: the group that this process runs as
  static pipe_access group(std::string name = {});

  /// Returns a value that admits every user of this machine.
  static pipe_access everyone();

  /// Returns a value that admits these principals; a server needs at least one.
  static pipe_access list(std::vector<std::string> principals);

  /// Reads the text that `to_string` writes: "owner", "group", "group:NAME", "everyone" or
  /// "list:PRINCIPAL,...". Names are not looked up.
  /// @returns `errc::invalid_option` for any other text
  static caf::expected<pipe_access> parse(const std::string& text);

  /// Returns which of the functions above made this value.
  kind type() const noexcept {
    return kind_;
  }

  /// Returns the principals of a `list`. For a `group`: "@NAME", or none if it is that of this
  /// process.
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

/// Returns e.g. "owner" or "list:alice,@staff". See `pipe_access::parse`.
PIPEACTOR_EXPORT std::string to_string(const pipe_access& access);

} // namespace pipeactor
