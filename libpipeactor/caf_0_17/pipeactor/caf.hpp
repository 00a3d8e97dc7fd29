#pragma once

// What depends on the generation of CAF: here 0.17.6, as Debian 12 ships it. Anything that differs
// in 1.x has a name here, or beside it in base/ if only the library needs it, and all other files
// use that name. A test of the tree checks it. CMake chooses the generation's folder, and installs
// this header for programs that use the library.

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
#include <caf/timespan.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

// CAF_VERSION is an octal literal in 1.0 and 1.1: compare the major version only.
#if CAF_MAJOR_VERSION >= 1
#  error "this pipeactor was built for CAF 0.17.6, and this is CAF 1.x"
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

/// The result of an inspector.
template <class Inspector>
using inspect_result_t = typename Inspector::result_type;

/// Inspects a type by way of another one: `surrogate` holds the value when saving, and `assign`
/// takes it over after loading.
template <class Inspector, class T, class F>
inspect_result_t<Inspector> inspect_via(Inspector& f, const char* type_name, T& surrogate,
                                        F assign) {
  auto load = [&]() -> caf::error {
    assign(surrogate);
    return caf::none;
  };
  return f(caf::meta::type_name(type_name), surrogate, caf::meta::load_callback(load));
}

/// Lets CAF send and print a struct of namespace pipeactor: PIPEACTOR_INSPECT(type, fields...),
/// right behind it, with all of its fields in their order. A forgotten field does not compile.
#define PIPEACTOR_INSPECT(...)                                                                     \
  PIPEACTOR_SEVENTEENTH(__VA_ARGS__, PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_FIELDS,           \
                        PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_FIELDS,                        \
                        PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_FIELDS,                        \
                        PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_FIELDS,                        \
                        PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_FIELDS,                        \
                        PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_FIELDS,                        \
                        PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_FIELDS,                        \
                        PIPEACTOR_INSPECT_FIELDS, PIPEACTOR_INSPECT_EMPTY, ~)                      \
  (__VA_ARGS__)

#define PIPEACTOR_SEVENTEENTH(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15,    \
                              _16, choice, ...)                                                    \
  choice

#define PIPEACTOR_INSPECT_FIELDS(type, ...)                                                        \
  template <class Inspector>                                                                       \
  detail::inspect_result_t<Inspector> inspect(Inspector& f, type& x) {                             \
    auto& [__VA_ARGS__] = x;                                                                       \
    return f(caf::meta::type_name("pipeactor::" #type), __VA_ARGS__);                              \
  }

#define PIPEACTOR_INSPECT_EMPTY(type)                                                              \
  template <class Inspector>                                                                       \
  detail::inspect_result_t<Inspector> inspect(Inspector& f, type&) {                               \
    static_assert(std::is_empty_v<type>, "PIPEACTOR_INSPECT(" #type ") names no fields");          \
    return f(caf::meta::type_name("pipeactor::" #type));                                           \
  }

// -- messages ---------------------------------------------------------------------------------

/// Returns the element of a message that has one, of type `T`; else nullptr.
template <class T>
const T* sole_element(const caf::message& x) {
  return x.match_elements<T>() ? &x.get_as<T>(0) : nullptr;
}

// -- times ------------------------------------------------------------------------------------

/// Returns the longest timespan, as which 1.x has `caf::infinite`.
inline caf::timespan to_timespan(caf::infinite_t) {
  return caf::timespan::max();
}

// -- message types ----------------------------------------------------------------------------

template <class IdBlock>
void add_message_types(caf::actor_system_config& cfg) {
  cfg.add_message_types<IdBlock>();
}

} // namespace pipeactor::detail
