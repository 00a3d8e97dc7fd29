#include "pipeactor/error.hpp"

#include <spdlog/fmt/fmt.h>

#include <iterator>
#include <system_error>

namespace pipeactor {

namespace {

struct entry {
  const char* name;
  const char* text;
};

constexpr entry entries[] = {
#define PIPEACTOR_ENTRY(name, text) {#name, text},
  PIPEACTOR_ERROR_CODES(PIPEACTOR_ENTRY)
#undef PIPEACTOR_ENTRY
};

/// Returns an entry for codes of newer versions, too.
entry entry_of(errc code) {
  auto index = static_cast<size_t>(code);
  return index < std::size(entries) ? entries[index]
                                    : entry{"unknown", "an error of a newer version of pipeactor"};
}

} // namespace

std::string to_string(errc code) {
  return entry_of(code).name;
}

std::string describe(errc code) {
  return entry_of(code).text;
}

caf::error make_error(errc code, std::string text, int os_code) {
  return detail::make_caf_error(code, std::move(text), static_cast<int32_t>(os_code));
}

caf::error make_error(errc code, std::string text) {
  return make_error(code, std::move(text), 0);
}

caf::error make_error(errc code) {
  return make_error(code, describe(code), 0);
}

errc code_of(const caf::error& err) {
  if (!err)
    return errc::none;
  return detail::is_category<errc>(err) ? static_cast<errc>(err.code()) : errc::os_error;
}

int os_code_of(const caf::error& err) {
  if (!err || !detail::is_category<errc>(err) || err.context().size() < 2)
    return 0;
  return err.context().get_as<int32_t>(1);
}

std::string describe(const caf::error& err) {
  if (!err)
    return describe(errc::none);
  if (!detail::is_category<errc>(err))
    return to_string(err);
  auto result = to_string(code_of(err));
  if (err.context().size() > 0)
    result += ": " + err.context().get_as<std::string>(0);
  if (auto os = os_code_of(err); os != 0)
    result += fmt::format(" ({}, code {})", std::system_category().message(os), os);
  return result;
}

} // namespace pipeactor
