# What a prefix gets: programs in bin/, the ABI header in include/hearth/, plugins by cmake/HearthPlugin.cmake.
include_guard(GLOBAL)
include(GNUInstallDirs)

foreach(program hearth hearthd hearth-fetch hearth-runner hearth-tray)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/plugins/abi/hearth_backend.h ${CMAKE_SOURCE_DIR}/plugins/abi/hearth_measure.h
  ${CMAKE_SOURCE_DIR}/plugins/abi/hearth_quantize.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hearth)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/THIRD_PARTY_NOTICES.md
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/hearth)
