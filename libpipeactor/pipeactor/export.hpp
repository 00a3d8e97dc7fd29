#pragma once

// Marks what programs that link the library can see: all else is hidden. Programs that link the
// static library define PIPEACTOR_STATIC (the CMake target does it), or else Windows would look for
// imports from a DLL.
#if defined(PIPEACTOR_STATIC)
#  define PIPEACTOR_EXPORT
#elif defined(_WIN32)
#  ifdef pipeactor_EXPORTS
#    define PIPEACTOR_EXPORT __declspec(dllexport)
#  else
#    define PIPEACTOR_EXPORT __declspec(dllimport)
#  endif
#else
#  define PIPEACTOR_EXPORT __attribute__((visibility("default")))
#endif
