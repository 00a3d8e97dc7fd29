#pragma once

#include "codec/protocol_error.hpp"

#include <optional>
#include <string_view>

namespace pipehub::mqtt {

/// Returns whether a topic has a wildcard character in it (4.7.1).
bool has_wildcard(std::string_view topic);

/// Checks the wildcards and the length of a topic filter (4.7). For a shared subscription: of what
/// follows the share name.
std::optional<protocol_error> check_filter(std::string_view filter);

/// The parts of a topic filter `$share/NAME/FILTER` (4.8.2 of 5.0).
struct shared_filter {
  /// Empty: an ordinary subscription.
  std::string_view share_name;
  std::string_view filter;
};

/// Takes a topic filter apart. A filter that begins with `$share/` and breaks 4.8.2 is returned
/// whole: 3.1.1 does not know shared subscriptions.
shared_filter split_shared(std::string_view filter);

/// Checks a topic filter that begins with `$share/` by the rules of 5.0.
std::optional<protocol_error> check_shared(std::string_view filter);

} // namespace pipehub::mqtt
