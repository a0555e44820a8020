# The llama plugin, driven through its ABI with generated models.
if(HEARTH_LLAMA STREQUAL "off")
  return()
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(folder ${CMAKE_BINARY_DIR}/tests/models)
file(GLOB generator CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/make_model/*.py)
set(make ${Python3_EXECUTABLE} -B ${CMAKE_SOURCE_DIR}/tools/make_model/make_model.py)
add_custom_command(
  OUTPUT ${folder}/tiny.gguf ${folder}/tiny-00001-of-00003.gguf ${folder}/embed.gguf
  COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
  COMMAND ${make} --shape tiny ${folder}/tiny.gguf
  COMMAND ${make} --shape tiny --split 3 ${folder}/tiny.gguf
  COMMAND ${make} --shape embed ${folder}/embed.gguf
  DEPENDS ${generator} COMMENT "Test models" VERBATIM)
add_custom_target(hearth_test_models ALL DEPENDS ${folder}/tiny.gguf ${folder}/embed.gguf)

hearth_test(llama_test SOURCES llama_test.cpp llama_quantize_test.cpp llama_host.cpp LINKS hearth::abi nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS} LABELS llama)
target_compile_definitions(llama_test PRIVATE HEARTH_LLAMA_PLUGIN="$<TARGET_FILE:hearth_plugin_llama>" HEARTH_TEST_MODELS="${folder}")
add_dependencies(llama_test hearth_plugin_llama hearth_test_models)

hearth_test(llama_template_guard_test
  SOURCES llama_template_guard_test.cpp ${CMAKE_SOURCE_DIR}/plugins/llama/template_guard.cpp
  LINKS nlohmann_json::nlohmann_json LABELS llama)

hearth_test(llama_schema_guard_test
  SOURCES llama_schema_guard_test.cpp ${CMAKE_SOURCE_DIR}/plugins/llama/schema_guard.cpp
    ${CMAKE_SOURCE_DIR}/plugins/llama/schema_loosen.cpp ${CMAKE_SOURCE_DIR}/plugins/llama/schema_values.cpp
    ${CMAKE_SOURCE_DIR}/plugins/llama/schema_words.cpp
    ${CMAKE_SOURCE_DIR}/plugins/llama/pattern.cpp
  LINKS nlohmann_json::nlohmann_json LABELS llama)

add_test(NAME LlamaPlugin.PassesTheConformanceKit
  COMMAND hearth-plugin-check $<TARGET_FILE:hearth_plugin_llama> --model ${folder}/tiny.gguf)
add_test(NAME LlamaPlugin.PassesTheConformanceKitWithASplitModel
  COMMAND hearth-plugin-check $<TARGET_FILE:hearth_plugin_llama> --model ${folder}/tiny-00001-of-00003.gguf
          --model ${folder}/tiny-00002-of-00003.gguf --model ${folder}/tiny-00003-of-00003.gguf)
add_test(NAME LlamaPlugin.PassesTheConformanceKitAsAnEmbedder
  COMMAND hearth-plugin-check $<TARGET_FILE:hearth_plugin_llama> --model ${folder}/embed.gguf)
set_tests_properties(LlamaPlugin.PassesTheConformanceKit LlamaPlugin.PassesTheConformanceKitWithASplitModel
  LlamaPlugin.PassesTheConformanceKitAsAnEmbedder PROPERTIES LABELS llama TIMEOUT 120)

# What drivers say of GPU memory, from a stand-in for NVIDIA's library and from folders like the kernel's.
add_library(fake_nvml MODULE fake_nvml.c)
target_compile_options(fake_nvml PRIVATE -fno-sanitize=function) # as the real one, it knows nothing of our types
hearth_test(gpu_memory_test
  SOURCES gpu_memory_test.cpp ${CMAKE_SOURCE_DIR}/plugins/llama/gpu_memory.cpp
  LINKS ${CMAKE_DL_LIBS} LABELS llama)
target_compile_definitions(gpu_memory_test PRIVATE FAKE_NVML="$<TARGET_FILE:fake_nvml>")
add_dependencies(gpu_memory_test fake_nvml)
