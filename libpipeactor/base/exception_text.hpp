#pragma once

#include <exception>
#include <string>

namespace pipeactor::detail {

/// Returns what an exception says, or that it says nothing.
inline std::string text_of(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

} // namespace pipeactor::detail
