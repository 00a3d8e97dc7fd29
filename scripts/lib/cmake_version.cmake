# Run by setup.sh: fails with CMake's own message if this CMake is too old.
cmake_minimum_required(VERSION 3.25)
