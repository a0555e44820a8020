# llama.cpp for the llama plugin: target hearth::llama_engine (headers, the engine's static library, the prebuilt shared ones), and
# hearth_llama_libraries(). What is fetched and compiled lies in a cache outside the build folder: cmake/llama/fetch.sh, source.sh, build.sh.
include_guard(GLOBAL)

set(HEARTH_LLAMA_VERSION 0.5.0)
set(HEARTH_GGML_VERSION 0.25.1)
set(HEARTH_LLAMA_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/llama)
set(HEARTH_LLAMA_SOURCE "" CACHE PATH "A llama.cpp source tree of exactly release ${HEARTH_LLAMA_VERSION}; empty: the pinned package's")

if(HEARTH_LLAMA STREQUAL "prebuilt")
  set(script fetch.sh)
elseif(HEARTH_LLAMA STREQUAL "source")
  set(script source.sh)
else()
  message(FATAL_ERROR "HEARTH_LLAMA is '${HEARTH_LLAMA}'; it must be prebuilt, source or off")
endif()

execute_process(COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} CXX=${CMAKE_CXX_COMPILER} ${HEARTH_LLAMA_SCRIPTS}/${script}
  OUTPUT_VARIABLE HEARTH_LLAMA_TREE OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "llama.cpp could not be had (see above). -DHEARTH_LLAMA=off builds Hearth without it.")
endif()

# The compilers of the cache are the ones of this build, but not their flags: sanitized builds use the same library.
cmake_path(GET HEARTH_LLAMA_TREE PARENT_PATH cache) # the environment may be another one when the build runs
set(HEARTH_LLAMA_ENVIRONMENT HEARTH_CACHE=${cache} HEARTH_LLAMA_FORM=${HEARTH_LLAMA} CC=${CMAKE_C_COMPILER} CXX=${CMAKE_CXX_COMPILER} HEARTH_LLAMA_SOURCE=${HEARTH_LLAMA_SOURCE})
execute_process(COMMAND ${CMAKE_COMMAND} -E env ${HEARTH_LLAMA_ENVIRONMENT} ${HEARTH_LLAMA_SCRIPTS}/build.sh path
  OUTPUT_VARIABLE HEARTH_LLAMA_BUILD OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${HEARTH_LLAMA_SCRIPTS}/packages.lock ${HEARTH_LLAMA_SCRIPTS}/cache.sh
  ${HEARTH_LLAMA_SCRIPTS}/fetch.sh
  ${HEARTH_LLAMA_SCRIPTS}/source.sh ${HEARTH_LLAMA_SCRIPTS}/build.sh ${HEARTH_LLAMA_SCRIPTS}/engine/CMakeLists.txt)

add_custom_command(OUTPUT ${HEARTH_LLAMA_BUILD}/libhearth-llama-engine.a
  COMMAND ${CMAKE_COMMAND} -E env ${HEARTH_LLAMA_ENVIRONMENT} ${HEARTH_LLAMA_SCRIPTS}/build.sh engine
  COMMENT "llama.cpp's server code (once, cached)" USES_TERMINAL VERBATIM)
add_custom_target(hearth_llama_engine_build DEPENDS ${HEARTH_LLAMA_BUILD}/libhearth-llama-engine.a)

set(headers ${HEARTH_LLAMA_TREE}/src)
if(HEARTH_LLAMA_SOURCE)
  set(headers ${HEARTH_LLAMA_SOURCE})
endif()
set(HEARTH_LLAMA_LIBRARIES ${HEARTH_LLAMA_TREE}/lib)
# The prebuilt libraries carry their version in the name, the ones from the source do not.
file(GLOB versioned ${HEARTH_LLAMA_LIBRARIES}/libllama.v*.so ${HEARTH_LLAMA_LIBRARIES}/libllama.so ${HEARTH_LLAMA_LIBRARIES}/libggml.v*.so
  ${HEARTH_LLAMA_LIBRARIES}/libggml.so)
add_library(hearth_llama_engine INTERFACE)
add_library(hearth::llama_engine ALIAS hearth_llama_engine)
add_dependencies(hearth_llama_engine hearth_llama_engine_build)
target_include_directories(hearth_llama_engine SYSTEM INTERFACE ${headers} ${headers}/include ${headers}/ggml/include ${headers}/common
  ${headers}/tools/server ${headers}/tools/mtmd)
# Last: its nlohmann_json must not stand before the system's.
target_compile_options(hearth_llama_engine INTERFACE "SHELL:-idirafter ${headers}/vendor")
# As the engine is compiled: the layout of its classes must not differ.
target_compile_definitions(hearth_llama_engine INTERFACE LLAMA_SUBPROCESS LLAMA_SHARED GGML_SHARED GGML_BACKEND_SHARED)
target_link_libraries(hearth_llama_engine INTERFACE ${HEARTH_LLAMA_BUILD}/libhearth-llama-engine.a
  ${HEARTH_LLAMA_LIBRARIES}/libllama-common.so ${versioned} ${HEARTH_LLAMA_LIBRARIES}/libggml-base.so ${CMAKE_DL_LIBS})

# hearth_llama_libraries(<target> <folder>): llama.cpp's libraries and licence beside the plugin, in the build folder and when installed.
function(hearth_llama_libraries target folder)
  file(GLOB libraries ${HEARTH_LLAMA_LIBRARIES}/*.so)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${libraries} ${folder}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${HEARTH_LLAMA_TREE}/LICENSE ${folder}/LICENSE.llama.cpp
    VERBATIM)
  install(FILES ${libraries} DESTINATION lib/hearth/plugins/llama)
  install(FILES ${HEARTH_LLAMA_TREE}/LICENSE DESTINATION lib/hearth/plugins/llama RENAME LICENSE.llama.cpp)
endfunction()

# The judges: llama-server and llama-quantize of the same release, for tests and benchmarks.
add_custom_target(hearth_judges
  COMMAND ${CMAKE_COMMAND} -E env ${HEARTH_LLAMA_ENVIRONMENT} ${HEARTH_LLAMA_SCRIPTS}/build.sh judges
  COMMENT "llama-server and llama-quantize of the same release (once, cached)" USES_TERMINAL VERBATIM)
if(HEARTH_JUDGES)
  set_property(TARGET hearth_judges PROPERTY EXCLUDE_FROM_ALL FALSE)
endif()
