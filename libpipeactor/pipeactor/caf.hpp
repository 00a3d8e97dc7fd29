#pragma once

// The one place that knows which generation of CAF is in use (today 0.17.6, as
// Debian 12 ships it). What differs between 0.17 and 1.x gets a name here, and
// the rest of the library uses the name; pinned actors have a header of their own.

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/error.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/expected.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/send.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <string>
#include <utility>

// CAF_VERSION is an octal literal in 1.0 and 1.1: compare the major version only.
#if CAF_MAJOR_VERSION >= 1
#  error "pipeactor is built on CAF 0.17.6; CAF 1.x is not supported yet"
#endif

namespace pipeactor::detail {

// -- errors -----------------------------------------------------------------------------------

/// The category of an error enum: an atom in 0.17, the enum's type id in 1.x.
template <class Enum>
struct error_category;

template <class Enum>
bool is_category(const caf::error& err) {
  return err && err.category() == error_category<Enum>::value;
}

template <class Enum>
caf::error make_caf_error(Enum code, std::string text, int32_t os_code) {
  return caf::error{static_cast<uint8_t>(code), error_category<Enum>::value,
                    caf::make_message(std::move(text), os_code)};
}

#define PIPEACTOR_ERROR_CATEGORY(enum_type, category_name)                                         \
  template <>                                                                                      \
  struct pipeactor::detail::error_category<enum_type> {                                            \
    static constexpr caf::atom_value value = caf::atom(category_name);                             \
  };

// -- inspection -------------------------------------------------------------------------------

template <class Inspector>
using inspect_result_t = typename Inspector::result_type;

/// A member of an inspected type with its name (1.x wants names, 0.17 has none).
template <class T>
struct field_ref {
  const char* name;
  T& value;
};

template <class T>
field_ref<T> field(const char* name, T& value) {
  return {name, value};
}

/// Inspects the fields of a message struct.
template <class Inspector, class... Ts>
inspect_result_t<Inspector> inspect_fields(Inspector& f, const char* type_name,
                                           field_ref<Ts>... fields) {
  return f(caf::meta::type_name(type_name), fields.value...);
}

/// Inspects a type by way of another one: `surrogate` holds the value when
/// saving, and `assign` takes it over after loading.
template <class Inspector, class T, class F>
inspect_result_t<Inspector> inspect_via(Inspector& f, const char* type_name, T& surrogate,
                                        F assign) {
  auto load = [&]() -> caf::error {
    assign(surrogate);
    return caf::none;
  };
  return f(caf::meta::type_name(type_name), surrogate, caf::meta::load_callback(load));
}

// -- message types ----------------------------------------------------------------------------

template <class IdBlock>
void add_message_types(caf::actor_system_config& cfg) {
  cfg.add_message_types<IdBlock>();
}

} // namespace pipeactor::detail
