#pragma once

// Stands in for functions of Windows, for errors that the system does not make on demand.

#include <catch2/catch.hpp>

#include <windows.h>

#include <utility>

namespace windows_helpers {

/// Lets the program call another function in place of one that it imports, while this lives.
/// Replaces the pointer that the linker calls `__imp_NAME`, through which all calls go.
template <class Function>
class replaced_import {
public:
  /// @param import the pointer, e.g. `__imp_CreateNamedPipeW`
  replaced_import(Function& import, Function replacement) : import_(import), before_(import) {
    set(replacement);
  }

  ~replaced_import() {
    set(before_);
  }

  /// Returns what the program called before.
  Function before() const noexcept {
    return before_;
  }

  replaced_import(const replaced_import&) = delete;
  replaced_import& operator=(const replaced_import&) = delete;

private:
  void set(Function value) {
    // Windows makes the table of imports read-only once it is filled.
    DWORD protection = 0;
    REQUIRE(VirtualProtect(&import_, sizeof(import_), PAGE_READWRITE, &protection));
    import_ = value;
    REQUIRE(VirtualProtect(&import_, sizeof(import_), protection, &protection));
  }

  Function& import_;
  Function before_;
};

} // namespace windows_helpers
