#include "pipeactor/cookie.hpp"

#include "pipeactor/error.hpp"
#include "base/local_message_types.hpp"
#include "base/lost_value.hpp"

namespace pipeactor {

namespace {

using detail::lost_value;

constexpr char lost_mark = 'x';
constexpr char bytes_mark = 'b';

} // namespace

caf::error cookie::check_portable() const {
  return empty() || get_if<payload>() != nullptr ? caf::error{}
                                                 : make_error(errc::cookie_not_portable);
}

caf::error cookie::check_arrival() const {
  return empty() || get_if<lost_value>() == nullptr ? caf::error{}
                                                    : make_error(errc::cookie_not_portable);
}

payload cookie::pack() const {
  if (empty())
    return {};
  auto* bytes = get_if<payload>();
  if (bytes == nullptr)
    return payload{std::string_view{&lost_mark, 1}};
  return payload{std::string{bytes_mark} + std::string{bytes->text()}};
}

cookie cookie::unpack(const payload& parcel) {
  if (parcel.empty())
    return {};
  auto text = parcel.text();
  return text.front() == bytes_mark ? of(payload{text.substr(1)}) : of(lost_value{});
}

std::string to_string(const cookie& x) {
  if (x.get_if<lost_value>() != nullptr)
    return "lost";
  return caf::to_string(x.value_.value_or(caf::message{}));
}

} // namespace pipeactor
