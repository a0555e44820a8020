# Backend plugins: hearth-<name>.so and its manifest backend-<name>.json in a folder of their own.
include_guard(GLOBAL)

set(HEARTH_PLUGIN_MANIFEST_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/write_plugin_manifest.cmake)

# hearth_plugin(<name> SOURCES ... [LINKS ...] OPERATIONS ... [FORMATS ...] [DEVICES ...] DESCRIPTION "..." [VERSION v] [TEST_ONLY])
#
# Target hearth_plugin_<name>. The library exports hearth_backend_get and nothing else, finds the libraries it needs beside itself
# (RUNPATH $ORIGIN) and is written to ${HEARTH_PLUGIN_OUTPUT_DIRECTORY}/<name>/. The manifest is written after each link, with the sha256 of the
# library, so what is installed is exactly what was linked: never strip or patch it afterwards. TEST_ONLY: installed only with
# `cmake --install --component sdk`.
function(hearth_plugin name)
  cmake_parse_arguments(P "TEST_ONLY" "DESCRIPTION;VERSION" "SOURCES;LINKS;OPERATIONS;FORMATS;DEVICES" ${ARGN})
  if(NOT P_VERSION)
    set(P_VERSION ${PROJECT_VERSION})
  endif()
  set(target hearth_plugin_${name})
  set(folder ${HEARTH_PLUGIN_OUTPUT_DIRECTORY}/${name})
  set(exports ${CMAKE_CURRENT_BINARY_DIR}/${name}.exports)
  file(WRITE ${exports}.new "{ global: hearth_backend_get; local: *; };\n")
  file(COPY_FILE ${exports}.new ${exports} ONLY_IF_DIFFERENT)

  add_library(${target} MODULE ${P_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME hearth-${name} SUFFIX ".so"
    LIBRARY_OUTPUT_DIRECTORY ${folder}
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "\$ORIGIN"
    LINK_DEPENDS ${exports})
  target_link_libraries(${target} PRIVATE hearth_options hearth::abi ${P_LINKS})
  target_link_options(${target} PRIVATE -Wl,--version-script=${exports} -Wl,-Bsymbolic -Wl,--enable-new-dtags)
  target_link_options(${target} PRIVATE $<$<BOOL:${HEARTH_PACKAGE}>:-Wl,--strip-all>)
  if(NOT HEARTH_SANITIZE) # a sanitizer's run-time lives in the executable
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()

  list(JOIN P_OPERATIONS "," operations)
  list(JOIN P_FORMATS "," formats)
  list(JOIN P_DEVICES "," devices)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DVERSION=${P_VERSION} -DLIBRARY=$<TARGET_FILE:${target}>
            "-DOPERATIONS=${operations}" "-DFORMATS=${formats}" "-DDEVICES=${devices}" "-DDESCRIPTION=${P_DESCRIPTION}"
            -P ${HEARTH_PLUGIN_MANIFEST_SCRIPT}
    BYPRODUCTS ${folder}/backend-${name}.json
    VERBATIM)

  set(component COMPONENT Unspecified)
  if(P_TEST_ONLY)
    set(component COMPONENT sdk EXCLUDE_FROM_ALL)
  endif()
  # FILES, not TARGETS: `cmake --install --strip` would change the bytes that the manifest vouches for.
  install(FILES $<TARGET_FILE:${target}> ${folder}/backend-${name}.json DESTINATION lib/hearth/plugins/${name} ${component}
          PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()
