# Finds Backrun and makes two targets:
#   backrun::backrun   the shared library (libbackrun.so, SONAME libbackrun.so.1)
#   backrun::static    the static one (libbackrun.a) with the system libraries that it needs, if it is there
#
# BACKRUN_NATIVE_DIR    where the libraries are; default: artifacts/native of this repository
# BACKRUN_INCLUDE_DIR   where backrun.h and backrun.hpp are; default: include of this repository

get_filename_component(_backrun_repository "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(BACKRUN_NATIVE_DIR "${_backrun_repository}/artifacts/native" CACHE PATH "Where libbackrun.so and libbackrun.a are")
set(BACKRUN_INCLUDE_DIR "${_backrun_repository}/include" CACHE PATH "Where backrun.h is")

set(_backrun_shared "${BACKRUN_NATIVE_DIR}/libbackrun.so")
set(_backrun_static "${BACKRUN_NATIVE_DIR}/libbackrun.a")
if(NOT EXISTS "${_backrun_shared}")
    message(FATAL_ERROR "${_backrun_shared} is not there: run `cargo xtask native`, or set BACKRUN_NATIVE_DIR")
endif()
if(NOT EXISTS "${BACKRUN_INCLUDE_DIR}/backrun.h")
    message(FATAL_ERROR "${BACKRUN_INCLUDE_DIR}/backrun.h is not there: set BACKRUN_INCLUDE_DIR")
endif()

if(NOT TARGET backrun::backrun)
    add_library(backrun::backrun SHARED IMPORTED)
    set_target_properties(backrun::backrun PROPERTIES
        IMPORTED_LOCATION "${_backrun_shared}"
        IMPORTED_SONAME libbackrun.so.1
        INTERFACE_INCLUDE_DIRECTORIES "${BACKRUN_INCLUDE_DIR}")
endif()

if(EXISTS "${_backrun_static}" AND NOT TARGET backrun::static)
    add_library(backrun::static STATIC IMPORTED)
    set_target_properties(backrun::static PROPERTIES
        IMPORTED_LOCATION "${_backrun_static}"
        INTERFACE_INCLUDE_DIRECTORIES "${BACKRUN_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;pthread;m;dl")
endif()

set(Backrun_FOUND TRUE)
