#pragma once

// For programs that are compiled against this directory without CMake, with Debian's CAF. CMake
// puts the folder of the CAF that it found before this one, and installs that folder's file.
#include "caf_0_17/pipeactor/caf.hpp"
