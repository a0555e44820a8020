# Packages: `./installer/package` makes a .deb, a .rpm and a .tar.gz of an installed tree. HEARTH_PACKAGE says for which
# kind this build folder is configured: they differ in where systemd and zsh look.
include_guard(GLOBAL)

# The units; elsewhere `hearth service enable` writes them.
if(HEARTH_PACKAGE MATCHES "^(deb|rpm)$")
  set(HEARTHD /usr/bin/hearthd)
  set(HEARTH /usr/bin/hearth)
  foreach(unit hearthd.socket hearthd.service hearthd@.service)
    configure_file(${CMAKE_SOURCE_DIR}/installer/systemd/${unit}.in ${CMAKE_BINARY_DIR}/systemd/${unit} @ONLY)
  endforeach()
  install(FILES ${CMAKE_BINARY_DIR}/systemd/hearthd.socket ${CMAKE_BINARY_DIR}/systemd/hearthd.service DESTINATION lib/systemd/user)
  install(FILES ${CMAKE_BINARY_DIR}/systemd/hearthd@.service DESTINATION lib/systemd/system)
endif()
if(HEARTH_PACKAGE STREQUAL "deb")
  install(FILES ${CMAKE_SOURCE_DIR}/installer/debian/copyright DESTINATION share/doc/hearth)
  install(FILES ${CMAKE_SOURCE_DIR}/installer/debian/lintian-overrides DESTINATION share/lintian/overrides RENAME hearth)
  string(TIMESTAMP HEARTH_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH rules when it is set
  configure_file(${CMAKE_SOURCE_DIR}/installer/debian/changelog.in ${CMAKE_BINARY_DIR}/debian/changelog @ONLY)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/debian/changelog.gz
    COMMAND gzip -9nc ${CMAKE_BINARY_DIR}/debian/changelog > ${CMAKE_BINARY_DIR}/debian/changelog.gz
    DEPENDS ${CMAKE_BINARY_DIR}/debian/changelog VERBATIM)
  add_custom_target(debian_changelog ALL DEPENDS ${CMAKE_BINARY_DIR}/debian/changelog.gz)
  install(FILES ${CMAKE_BINARY_DIR}/debian/changelog.gz DESTINATION share/doc/hearth)
endif()

set(CPACK_PACKAGE_NAME hearth)
if(HEARTH_PACKAGE MATCHES "^(deb|rpm)$") # files that name their own place name the real one
  set(CPACK_SET_DESTDIR ON)
  set(CPACK_INSTALL_PREFIX /usr)
endif()
set(CPACK_PACKAGE_VENDOR "The Hearth authors")
set(CPACK_PACKAGE_CONTACT "The Hearth authors <hearth@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "local AI model manager")
set(CPACK_PACKAGE_DESCRIPTION "Hearth keeps AI models on your own machine and runs them there. A service of
the user downloads, verifies and stores models, loads each into a process of
its own, and serves them over a Unix socket to the hearth command and to
programs that speak the API of Ollama or of OpenAI.")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON) # programs; plugins are stripped when they are linked, their manifest has their checksum
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_FILE_NAME hearth-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_COMPONENTS_ALL Unspecified)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib/hearth/plugins/llama)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.60), ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/installer/debian/postinst ${CMAKE_SOURCE_DIR}/installer/debian/prerm
  ${CMAKE_SOURCE_DIR}/installer/debian/postrm)

set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE MIT)
set(CPACK_RPM_PACKAGE_GROUP Applications/Engineering)
set(CPACK_RPM_PACKAGE_DESCRIPTION ${CPACK_PACKAGE_DESCRIPTION})
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/lib/systemd /usr/lib/systemd/user /usr/lib/systemd/system /usr/share/man
  /usr/share/man/man1 /usr/share/zsh /usr/share/zsh/site-functions /usr/share/fish /usr/share/fish/vendor_completions.d
  /usr/share/bash-completion /usr/share/bash-completion/completions)
include(CPack)
