#pragma once

// Cases that run on every port of this system, each time as a test of its own.

#include "pipeactor/options.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace contract {

/// Something that a case needs, and that some ports or systems lack.
enum class needs : uint8_t {
  /// A client can end its writing and read on.
  half_close,
  /// The system reports that a peer left without reading everything that was sent to it.
  reset_if_unread,
  /// The system distinguishes a second server on a name from a second instance of the first.
  one_server_per_name,
  /// The system lists its pipes.
  discovery,
  /// Clients and servers may be other users'.
  users,
  /// Users and groups are numbers.
  user_ids,
};

std::string to_string(needs need);

/// Registers a case once for each port of this system. A case that needs what a port lacks is
/// skipped there, and counted as skipped.
class port_case {
public:
  /// @param more `needs`, and Catch2's tags as text: "[long]"
  template <class... More>
  port_case(void (*function)(pipeactor::port_kind), const Catch::SourceLineInfo& where,
            std::string name, More... more)
      : function_(function), name_(std::move(name)) {
    (add(more), ...);
    register_at(where);
  }

private:
  void add(needs need) {
    needs_.push_back(need);
  }

  void add(const char* tag) {
    tags_ += tag;
  }

  void register_at(const Catch::SourceLineInfo& where) const;

  void (*function_)(pipeactor::port_kind);
  std::string name_;
  std::string tags_;
  std::vector<needs> needs_;
};

} // namespace contract

/// Defines a case that runs on each port: PORT_TEST_CASE("name", needs::...) { ... }. Its body
/// finds the port in `port`. Its tests are called "io_uring/name", "epoll/name" and so on, and
/// have the port as a tag: contract_tests [epoll].
#define PORT_TEST_CASE(...)                                                                        \
  PORT_TEST_CASE_AS(INTERNAL_CATCH_UNIQUE_NAME(case_), INTERNAL_CATCH_UNIQUE_NAME(registered_),    \
                    __VA_ARGS__)

#define PORT_TEST_CASE_AS(function, registered, ...)                                               \
  static void function(::pipeactor::port_kind);                                                    \
  static const ::contract::port_case registered{function, CATCH_INTERNAL_LINEINFO, __VA_ARGS__};   \
  static void function([[maybe_unused]] ::pipeactor::port_kind port)
