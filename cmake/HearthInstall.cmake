# What a prefix gets: programs in bin/, the ABI header in include/hearth/, Ember in lib/hearth/models/,
# plugins by cmake/HearthPlugin.cmake, completions and manual pages.
include_guard(GLOBAL)
include(GNUInstallDirs)

foreach(program hearth hearthd hearth-fetch hearth-runner hearth-tray)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/plugins/abi/hearth_backend.h ${CMAKE_SOURCE_DIR}/plugins/abi/hearth_measure.h
  ${CMAKE_SOURCE_DIR}/plugins/abi/hearth_quantize.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hearth)
install(FILES ${CMAKE_SOURCE_DIR}/models/ember/ember.gguf ${CMAKE_SOURCE_DIR}/models/ember/ember.known.json
        DESTINATION lib/hearth/models) # not share/hearth: in ~/.local that is the store
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/THIRD_PARTY_NOTICES.md
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/hearth)

# Made from the table of the command line by the command itself.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(HEARTH_CLI_FILES ${CMAKE_BINARY_DIR}/cli_files)
add_custom_command(OUTPUT ${HEARTH_CLI_FILES}/cli.md
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/installer/make_cli_files --hearth $<TARGET_FILE:hearth>
          --hearthd $<TARGET_FILE:hearthd> --plugin-check $<TARGET_FILE:hearth-plugin-check> --output ${HEARTH_CLI_FILES}
  DEPENDS hearth hearthd hearth-plugin-check ${CMAKE_SOURCE_DIR}/installer/make_cli_files VERBATIM)
add_custom_target(hearth_cli_files ALL DEPENDS ${HEARTH_CLI_FILES}/cli.md)
if(HEARTH_PACKAGE STREQUAL "deb")
  set(HEARTH_ZSH_FOLDER zsh/vendor-completions)
else()
  set(HEARTH_ZSH_FOLDER zsh/site-functions)
endif()
install(FILES ${HEARTH_CLI_FILES}/bash/hearth DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${HEARTH_CLI_FILES}/zsh/_hearth DESTINATION ${CMAKE_INSTALL_DATADIR}/${HEARTH_ZSH_FOLDER})
install(FILES ${HEARTH_CLI_FILES}/fish/hearth.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY ${HEARTH_CLI_FILES}/man/ DESTINATION ${CMAKE_INSTALL_DATADIR}/man/man1 FILES_MATCHING PATTERN "*.1.gz")
