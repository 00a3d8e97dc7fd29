#[=======================================================================[.rst:
FindCAF
-------

Finds the C++ Actor Framework. CAF 0.18 and later bring a CMake package of their
own, which is preferred; 0.17, as Debian 12 ships it, does not, so its headers
and libraries are looked for here, and targets are made as CAF 1.x names them.

Components: ``core`` (always), ``io``, ``openssl``.

Targets: ``CAF::core``, ``CAF::io``, ``CAF::openssl``.

Variables: ``CAF_FOUND``, ``CAF_VERSION``, ``CAF_<component>_FOUND``.

``CAF_ROOT`` (variable or environment) names an installation prefix: then CAF is
found there or not at all. A changed one is looked in anew.
#]=======================================================================]

include(FindPackageHandleStandardArgs)

# Parts of two installations do not go together, so CAF_ROOT excludes all others.
set(_caf_root "${CAF_ROOT}")
if(NOT _caf_root)
  set(_caf_root "$ENV{CAF_ROOT}")
endif()
set(_caf_where "")
if(_caf_root)
  set(_caf_where PATHS "${_caf_root}" NO_DEFAULT_PATH)
endif()
if(NOT _caf_root STREQUAL "${CAF_SEARCHED_ROOT}")
  foreach(_caf_name IN ITEMS INCLUDE_DIR CORE_LIBRARY IO_LIBRARY OPENSSL_LIBRARY)
    unset(CAF_${_caf_name} CACHE)
  endforeach()
  set(CAF_SEARCHED_ROOT "${_caf_root}" CACHE INTERNAL "The CAF_ROOT of the last search")
endif()

find_package(CAF CONFIG QUIET ${_caf_where})
mark_as_advanced(CAF_DIR)
if(CAF_FOUND)
  foreach(_caf_component IN LISTS CAF_FIND_COMPONENTS)
    if(TARGET CAF::${_caf_component})
      set(CAF_${_caf_component}_FOUND TRUE)
    endif()
  endforeach()
  unset(_caf_component)
  unset(_caf_name)
  unset(_caf_root)
  unset(_caf_where)
  find_package_handle_standard_args(CAF CONFIG_MODE HANDLE_COMPONENTS)
  return()
endif()

# A component's header tells that its part of CAF is there.
set(_caf_header_core caf/all.hpp)
set(_caf_header_io caf/io/all.hpp)
set(_caf_header_openssl caf/openssl/all.hpp)
set(_caf_needs_core Threads::Threads)
if(WIN32)
  # What CAF calls of the system; a static library does not bring it along.
  list(APPEND _caf_needs_core ws2_32 iphlpapi psapi)
endif()
set(_caf_needs_io CAF::core)
set(_caf_needs_openssl CAF::io)

set(_caf_components core ${CAF_FIND_COMPONENTS})
if("openssl" IN_LIST _caf_components)
  list(APPEND _caf_components io)
endif()
list(REMOVE_DUPLICATES _caf_components)

find_path(CAF_INCLUDE_DIR caf/config.hpp ${_caf_where} PATH_SUFFIXES include)
mark_as_advanced(CAF_INCLUDE_DIR)

# The version is one number up to 0.18: major * 10000 + minor * 100 + patch. In 1.0
# and 1.1 the same macro is an octal literal: only CAF's own package tells there.
set(_caf_failure "Debian and Ubuntu ship it as libcaf-dev.")
if(CAF_INCLUDE_DIR)
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" _caf_line LIMIT_COUNT 1
       REGEX "^#[ \t]*define[ \t]+CAF_VERSION[ \t]+[1-9][0-9]*[ \t]*$")
  string(REGEX MATCH "[0-9]+" _caf_number "${_caf_line}")
  if(_caf_number AND _caf_number LESS 10000)
    math(EXPR _caf_minor "${_caf_number} / 100")
    math(EXPR _caf_patch "${_caf_number} % 100")
    set(CAF_VERSION "0.${_caf_minor}.${_caf_patch}")
  else()
    set(_caf_failure
        "${CAF_INCLUDE_DIR} has headers of CAF 1.x: set CAF_DIR to where its CAFConfig.cmake is.")
  endif()
endif()

foreach(_caf_component IN LISTS _caf_components)
  if(NOT DEFINED _caf_header_${_caf_component})
    continue()
  endif()
  string(TOUPPER "${_caf_component}" _caf_name)
  find_library(
    CAF_${_caf_name}_LIBRARY
    NAMES caf_${_caf_component} caf_${_caf_component}_static ${_caf_where}
    PATH_SUFFIXES lib "lib/${CMAKE_LIBRARY_ARCHITECTURE}")
  mark_as_advanced(CAF_${_caf_name}_LIBRARY)
  if(CAF_${_caf_name}_LIBRARY AND CAF_INCLUDE_DIR
     AND EXISTS "${CAF_INCLUDE_DIR}/${_caf_header_${_caf_component}}")
    set(CAF_${_caf_component}_FOUND TRUE)
  endif()
endforeach()

find_package_handle_standard_args(
  CAF
  REQUIRED_VARS CAF_INCLUDE_DIR CAF_CORE_LIBRARY CAF_VERSION
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "${_caf_failure}")

if(CAF_FOUND)
  find_package(Threads QUIET)
  foreach(_caf_component IN ITEMS core io openssl)
    string(TOUPPER "${_caf_component}" _caf_name)
    if(CAF_${_caf_component}_FOUND AND NOT TARGET CAF::${_caf_component})
      add_library(CAF::${_caf_component} UNKNOWN IMPORTED)
      set_target_properties(
        CAF::${_caf_component}
        PROPERTIES IMPORTED_LOCATION "${CAF_${_caf_name}_LIBRARY}"
                   INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
                   INTERFACE_LINK_LIBRARIES "${_caf_needs_${_caf_component}}")
    endif()
  endforeach()
endif()

foreach(_caf_component IN ITEMS core io openssl)
  unset(_caf_header_${_caf_component})
  unset(_caf_needs_${_caf_component})
endforeach()
unset(_caf_component)
unset(_caf_components)
unset(_caf_failure)
unset(_caf_line)
unset(_caf_minor)
unset(_caf_name)
unset(_caf_number)
unset(_caf_patch)
unset(_caf_root)
unset(_caf_where)
