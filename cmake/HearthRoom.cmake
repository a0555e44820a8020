# One room, one library. Rooms see each other only through what they link; the include table of the
# design is checked by cmake/check_layers.py.
include_guard(GLOBAL)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

add_library(hearth_options INTERFACE)
target_include_directories(hearth_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(hearth_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
  -fstack-protector-strong $<$<CONFIG:Debug>:-D_GLIBCXX_ASSERTIONS>)
target_compile_definitions(hearth_options INTERFACE HEARTH_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_link_libraries(hearth_options INTERFACE Threads::Threads)
option(HEARTH_WERROR "Warnings are errors" ON)
if(HEARTH_WERROR)
  target_compile_options(hearth_options INTERFACE -Werror)
endif()
target_link_options(hearth_options INTERFACE -fuse-ld=lld-19 -Wl,-z,relro,-z,now)

if(HEARTH_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(HEARTH_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
if(HEARTH_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# hearth_room(<name> SOURCES ... LINKS ...): static library hearth_<name>, alias hearth::<name>.
function(hearth_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS" ${ARGN})
  if(ROOM_SOURCES)
    add_library(hearth_${name} STATIC ${ROOM_SOURCES})
    target_link_libraries(hearth_${name} PUBLIC hearth_options ${ROOM_LINKS})
  else() # headers only
    add_library(hearth_${name} INTERFACE)
    target_link_libraries(hearth_${name} INTERFACE hearth_options ${ROOM_LINKS})
  endif()
  add_library(hearth::${name} ALIAS hearth_${name})
endfunction()

# hearth_program(<name> [LOCKED] SOURCES ... LINKS ...): an executable in bin/. LOCKED: it calls enter_sandbox.
function(hearth_program name)
  cmake_parse_arguments(PROGRAM "LOCKED" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  if(PROGRAM_LOCKED AND HEARTH_SANITIZE STREQUAL "address")
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/sanitizer/locked_program.c)
  endif()
  target_link_libraries(${name} PRIVATE hearth_options ${PROGRAM_LINKS})
endfunction()

# hearth_test(<name> SOURCES ... LINKS ... [TIMEOUT s] [LABELS ...]): one gtest executable; every TEST is a ctest test of its own.
function(hearth_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE hearth_options ${T_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
endfunction()

# hearth_fuzz(<name> SOURCES ... LINKS ...): a libFuzzer target when HEARTH_FUZZ is on.
function(hearth_fuzz name)
  if(NOT HEARTH_FUZZ)
    return()
  endif()
  cmake_parse_arguments(F "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${F_SOURCES})
  target_link_libraries(${name} PRIVATE hearth_options ${F_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()
