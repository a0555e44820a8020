# What is chosen for a machine.
hearth_test(fit_test
  SOURCES
    memory/examples_test.cpp
    memory/fit_test.cpp
    memory/known_models.cpp
    memory/mixture.cpp
    memory/plan_json_test.cpp
    memory/pretended.cpp
    memory/property_test.cpp
    memory/quality_test.cpp
  LINKS hearth::runtime)
target_compile_definitions(fit_test PRIVATE GOLDEN_FOLDER="${CMAKE_CURRENT_LIST_DIR}/golden")
