#pragma once

// The library is built with hidden visibility: only what carries this macro is
// visible to programs that link it. PIPEACTOR_STATIC drops it for static
// builds, where Windows would otherwise look for imports.
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
