# How everything in this project is compiled, and the four ways to add something to it:
#
#   ek_library(name [SOURCES a.cc ...] [LINKS ...])      without SOURCES: headers only
#   ek_program(name SOURCES main.cc ... [LINKS ...])     goes to bin/
#   ek_test(name SOURCES x_test.cc ... [LINKS ...] [TIMEOUT seconds])
#   ek_benchmark(name SOURCES x_bench.cc ... [LINKS ...])    built, not run by ctest

find_program(EVENKEEL_CCACHE ccache)
if(EVENKEEL_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${EVENKEEL_CCACHE})
endif()

find_program(EVENKEEL_MOLD mold)
find_program(EVENKEEL_LLD ld.lld)
if(EVENKEEL_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(EVENKEEL_LLD)
  add_link_options(-fuse-ld=lld)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

set(EVENKEEL_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")
if(EVENKEEL_SANITIZE)
  if(NOT EVENKEEL_FUZZ)  # which wants speed
    # Less to compile than with -O2, and stacks that can be read.
    set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1 -DNDEBUG")
  endif()
  add_compile_options(-fsanitize=${EVENKEEL_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${EVENKEEL_SANITIZE})
  # With sanitizers g++ 12 takes the inactive alternatives of a variant for uninitialized memory.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

option(EVENKEEL_FUZZ "Build the targets of libFuzzer; wants clang" OFF)
if(EVENKEEL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

option(EVENKEEL_MUTANTS "Build in the planted faults that tests/schedules is to find" OFF)
if(EVENKEEL_MUTANTS)
  add_compile_definitions(EVENKEEL_MUTANTS)
endif()

# For services that take and give back memory on several threads all the time: linked, it takes the
# place of the C library's malloc, which was a fifth of an agent's processor time. Sanitizers bring
# their own.
add_library(ek_malloc INTERFACE)
if(NOT EVENKEEL_SANITIZE)
  target_link_libraries(ek_malloc INTERFACE mimalloc)
endif()

# Where migrations are read from unless the environment variable of the same name says otherwise.
set(EVENKEEL_SCHEMA_DIR ${PROJECT_SOURCE_DIR}/schema CACHE PATH "Folder of the SQL migrations")

# Our warnings, for our code only: a target that links `house` gets them, third-party headers do not.
add_library(house INTERFACE)
# Members that a designated initializer leaves out have defaults on purpose.
target_compile_options(house INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
                                       -Wno-missing-field-initializers)
if(EVENKEEL_FUZZ)
  target_compile_options(house INTERFACE -Wno-error)  # g++ judges; clang means more by the same words
endif()
target_include_directories(house INTERFACE ${PROJECT_SOURCE_DIR})

function(ek_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC house ${arg_LINKS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE house ${arg_LINKS})
  endif()
endfunction()

function(ek_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE house ${arg_LINKS})
endfunction()

# One binary is one ctest entry: starting a process for each case would cost more than the cases.
function(ek_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINKS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  ek_program(${name} SOURCES ${arg_SOURCES} LINKS ${arg_LINKS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()

function(ek_benchmark name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  ek_program(${name} SOURCES ${arg_SOURCES} LINKS ${arg_LINKS} benchmark::benchmark_main)
endfunction()

# Adds each of the folders that is there.
function(ek_add_folders)
  foreach(folder IN LISTS ARGN)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()
