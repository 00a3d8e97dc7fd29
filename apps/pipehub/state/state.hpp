#pragma once

#include "session/journal.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace pipehub {

/// A journal in a file.
class state : public journal {
public:
  virtual ~state() = default;

  /// Returns why the last attempt to write failed. Empty: it did not.
  virtual const std::string& trouble() const = 0;
};

/// Says which time of day, in milliseconds since 1970, a time of the hub's clock is.
using unix_clock = std::function<std::chrono::milliseconds(time_point)>;

/// The system's clock.
std::chrono::milliseconds unix_time(time_point at);

/// The outcome of `open_state`.
struct opened_state {
  /// nullptr: it cannot be used.
  std::unique_ptr<state> file;
  saved_state contents;
  /// Why not, and what to do.
  std::string error;
};

/// Opens a state file, and makes it if there is none. Until it is closed no other hub can use it.
opened_state open_state(const std::string& path, unix_clock clock = unix_time);

} // namespace pipehub
