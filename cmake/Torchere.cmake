# SPDX-License-Identifier: Apache-2.0
# What every target of the project has in common, said once.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(torchere_options INTERFACE)
target_include_directories(torchere_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(torchere_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor)
if(TORCHERE_WERROR)
  target_compile_options(torchere_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(torchere_options INTERFACE -Wthread-safety)
endif()
if(TORCHERE_SANITIZE)
  target_compile_options(torchere_options INTERFACE
    -fsanitize=${TORCHERE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # Its check opens a pipe: false alarms in a process without a free descriptor.
  target_compile_options(torchere_options INTERFACE -fno-sanitize=vptr)
  target_link_options(torchere_options INTERFACE -fsanitize=${TORCHERE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms of g++ 12 in <regex> and in Abseil's InlinedVector.
    target_compile_options(torchere_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()

# torchere_library(NAME [SOURCES file…] [DEPS target…])
# A folder's library. Without sources it is an interface library of headers.
function(torchere_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE torchere_options)
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
  endif()
endfunction()

# torchere_test(NAME LABEL unit|torch|integration SOURCES file… [DEPS target…])
# A Catch2 program; ctest runs it as one test.
function(torchere_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} torchere_test_support torchere_options)
  # Tests are compiled more often than they run.
  target_compile_options(${name} PRIVATE -O0 -g1)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 120)
endfunction()
