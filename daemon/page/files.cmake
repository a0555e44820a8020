# The page's files as bytes of the program: HEARTH_PAGE_SOURCE defines `page_files()` of daemon/page_site.hpp. A changed file is embedded again.
set(HEARTH_PAGE_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/page/page_files.cpp)
file(GLOB page_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.html ${CMAKE_CURRENT_LIST_DIR}/*.css
  ${CMAKE_CURRENT_LIST_DIR}/*.js ${CMAKE_CURRENT_LIST_DIR}/*.svg)
list(SORT page_files)
add_custom_command(
  OUTPUT ${HEARTH_PAGE_SOURCE}
  COMMAND ${CMAKE_COMMAND} "-DFILES=${page_files}" -DOUTPUT=${HEARTH_PAGE_SOURCE} -P ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  DEPENDS ${page_files} ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  COMMENT "Embedding the page"
  VERBATIM)
