# What is chosen for a machine.
hearth_test(fit_test
  SOURCES
    memory/examples_test.cpp
    memory/known_models.cpp
    memory/mixture.cpp
    memory/pretended.cpp
    memory/property_test.cpp
    memory/quality_test.cpp
  LINKS hearth::runtime)
