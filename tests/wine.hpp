#pragma once

// Windows only.

#include <windows.h>

namespace test {

/// Returns whether this is Wine, which lacks some of what Windows has.
inline bool runs_under_wine() {
  return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != nullptr;
}

} // namespace test
