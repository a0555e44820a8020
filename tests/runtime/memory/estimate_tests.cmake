# The closed form, against the engine's own dry run of probes.
if(NOT HEARTH_LLAMA STREQUAL "off")
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_executable(hearth_dry_run ${CMAKE_CURRENT_LIST_DIR}/dry_run.cpp ${CMAKE_SOURCE_DIR}/plugins/llama/pretended_device.cpp)
  target_link_libraries(hearth_dry_run PRIVATE hearth_options hearth::llama_engine)
  target_compile_definitions(hearth_dry_run PRIVATE HEARTH_LLAMA_LIBRARIES="${HEARTH_PLUGIN_OUTPUT_DIRECTORY}/llama")
  set_target_properties(hearth_dry_run PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(hearth_dry_run hearth_plugin_llama) # the libraries lie beside it

  hearth_test(dry_run_test SOURCES memory/dry_run_test.cpp LINKS hearth::runtime LABELS llama)
  target_compile_definitions(dry_run_test PRIVATE HEARTH_DRY_RUN="$<TARGET_FILE:hearth_dry_run>"
    HEARTH_PYTHON="${Python3_EXECUTABLE}" HEARTH_MAKE_PROBE="${CMAKE_SOURCE_DIR}/tools/make_probe/make_probe.py")
  add_dependencies(dry_run_test hearth_dry_run)
endif()

hearth_test(estimate_test
  SOURCES memory/estimate_test.cpp memory/placement_test.cpp
  LINKS hearth::runtime)
