#pragma once

// Marks the symbols that programs can link to: all others are hidden. A program that links the
// static library must define PIPEACTOR_STATIC (the CMake target does so); otherwise Windows would
// look for imports from a DLL.
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
