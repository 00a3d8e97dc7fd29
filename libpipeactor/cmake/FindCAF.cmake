#[=======================================================================[.rst:
FindCAF
-------

Finds the C++ Actor Framework. CAF 0.18 and later bring a CMake package of their
own, which is preferred. CAF 0.17, as in Debian 12, does not: then its headers and
libraries are searched, and targets are made with the names that CAF 1.x gives them.

Components: ``core`` (always), ``io``, ``openssl``.

Targets: ``CAF::core``, ``CAF::io``, ``CAF::openssl``.

Variables: ``CAF_FOUND``, ``CAF_VERSION``, ``CAF_<component>_FOUND``.

``CAF_ROOT`` (variable or environment) names an installation prefix: CAF is then
found there or not at all. Nothing of CAF 0.17 is cached, so a new ``CAF_ROOT`` counts
at once.
#]=======================================================================]

include(FindPackageHandleStandardArgs)

block(PROPAGATE CAF_FOUND CAF_VERSION CAF_core_FOUND CAF_io_FOUND CAF_openssl_FOUND)
  # Parts of two installations do not go together, so CAF_ROOT excludes all others.
  if(NOT CAF_ROOT)
    set(CAF_ROOT "$ENV{CAF_ROOT}")
  endif()
  set(where "")
  if(CAF_ROOT)
    set(where PATHS "${CAF_ROOT}" NO_DEFAULT_PATH)
  endif()

  find_package(CAF CONFIG QUIET ${where})
  mark_as_advanced(CAF_DIR)
  if(CAF_FOUND)
    foreach(component IN LISTS CAF_FIND_COMPONENTS)
      if(TARGET CAF::${component})
        set(CAF_${component}_FOUND TRUE)
      endif()
    endforeach()
    find_package_handle_standard_args(CAF CONFIG_MODE HANDLE_COMPONENTS)
  else()
    find_path(include_dir caf/config.hpp ${where} PATH_SUFFIXES include NO_CACHE)

    # The version is one number up to 0.18: major * 10000 + minor * 100 + patch. In 1.0 and 1.1
    # the macro is an octal literal, and only CAF's own package tells the version.
    set(failure "Debian and Ubuntu ship it as libcaf-dev.")
    if(include_dir)
      file(STRINGS "${include_dir}/caf/config.hpp" line LIMIT_COUNT 1
           REGEX "^#[ \t]*define[ \t]+CAF_VERSION[ \t]+[1-9][0-9]*[ \t]*$")
      string(REGEX MATCH "[0-9]+" number "${line}")
      if(number AND number LESS 10000)
        math(EXPR minor "${number} / 100")
        math(EXPR patch "${number} % 100")
        set(CAF_VERSION "0.${minor}.${patch}")
      else()
        set(failure "${include_dir} has headers of CAF 1.x: set CAF_DIR to the folder of its \
CAFConfig.cmake.")
      endif()
    endif()

    # A component is there if its library and its main header are.
    foreach(component IN ITEMS core io openssl)
      set(folder "caf/${component}")
      if(component STREQUAL "core")
        set(folder caf)
      endif()
      find_library(
        library_${component}
        NAMES caf_${component} caf_${component}_static ${where}
        PATH_SUFFIXES lib "lib/${CMAKE_LIBRARY_ARCHITECTURE}"
        NO_CACHE)
      if(library_${component} AND EXISTS "${include_dir}/${folder}/all.hpp")
        set(CAF_${component}_FOUND TRUE)
      endif()
    endforeach()

    find_package_handle_standard_args(
      CAF
      REQUIRED_VARS include_dir library_core CAF_VERSION
      VERSION_VAR CAF_VERSION
      HANDLE_COMPONENTS
      REASON_FAILURE_MESSAGE "${failure}")

    if(CAF_FOUND)
      find_package(Threads QUIET)
      set(needs_core Threads::Threads)
      if(WIN32)
        # CAF calls these parts of the system; a static library does not bring them along.
        list(APPEND needs_core ws2_32 iphlpapi psapi)
      endif()
      set(needs_io CAF::core)
      set(needs_openssl CAF::io)
      foreach(component IN ITEMS core io openssl)
        if(CAF_${component}_FOUND AND NOT TARGET CAF::${component})
          add_library(CAF::${component} UNKNOWN IMPORTED)
          set_target_properties(
            CAF::${component}
            PROPERTIES IMPORTED_LOCATION "${library_${component}}"
                       INTERFACE_INCLUDE_DIRECTORIES "${include_dir}"
                       INTERFACE_LINK_LIBRARIES "${needs_${component}}")
        endif()
      endforeach()
    endif()
  endif()
endblock()
