# Real loads, against what the engine's dry run of their headers said.
if(NOT HEARTH_LLAMA STREQUAL "off")
  hearth_test(real_load_test SOURCES memory/real_load_test.cpp LINKS hearth::runtime TIMEOUT 3600 LABELS llama)
  target_compile_definitions(real_load_test PRIVATE LLAMA_MANIFEST="${HEARTH_PLUGIN_OUTPUT_DIRECTORY}/llama/backend-llama.json"
    HEARTH_PYTHON="${Python3_EXECUTABLE}" HEARTH_MAKE_PROBE="${CMAKE_SOURCE_DIR}/tools/make_probe/make_probe.py")
  add_dependencies(real_load_test hearth-runner hearth_plugin_llama)
endif()
