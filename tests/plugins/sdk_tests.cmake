# The conformance kit, on echo, on the backend built out of tree, and on backends with one thing wrong.
hearth_test(plugin_check_test SOURCES plugin_check_test.cpp LINKS nlohmann_json::nlohmann_json)
target_compile_definitions(plugin_check_test PRIVATE
  PLUGIN_CHECK="$<TARGET_FILE:hearth-plugin-check>"
  ECHO_PLUGIN="$<TARGET_FILE:hearth_plugin_echo>"
  THIRD_DIR="${CMAKE_CURRENT_SOURCE_DIR}/third"
  ABI_HEADER="${CMAKE_SOURCE_DIR}/plugins/abi/hearth_backend.h")
add_dependencies(plugin_check_test hearth-plugin-check hearth_plugin_echo)

# The kit's own parts and the echo backend, driven in this process.
hearth_test(echo_test
  SOURCES echo_test.cpp echo_text_test.cpp sdk_parts_test.cpp ${CMAKE_SOURCE_DIR}/plugins/echo/text.cpp
    ${CMAKE_SOURCE_DIR}/plugins/sdk/plugin.cpp ${CMAKE_SOURCE_DIR}/plugins/sdk/report.cpp
    ${CMAKE_SOURCE_DIR}/plugins/sdk/sha256.cpp ${CMAKE_SOURCE_DIR}/plugins/sdk/shapes.cpp
    ${CMAKE_SOURCE_DIR}/plugins/sdk/elf_symbols.cpp
  LINKS hearth::abi nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS})
target_compile_definitions(echo_test PRIVATE ECHO_PLUGIN="$<TARGET_FILE:hearth_plugin_echo>")
add_dependencies(echo_test hearth_plugin_echo)
