# Writes the files FILES as C++ into OUTPUT.
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(arrays "")
set(rows "")
set(count 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  string(REGEX REPLACE ".*\\." "" kind ${name})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  set(path "/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND arrays "constexpr unsigned char file_${count}[] = {\n${bytes}};\n")
  string(APPEND rows "    PageFile{\"${path}\", \"${types_${kind}}\", text_of(file_${count})},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Written by embed.cmake.
#include \"daemon/page_site.hpp\"

#include <array>

namespace hearth::daemon {
namespace {

template <std::size_t size> std::string_view text_of(const unsigned char (&bytes)[size]) {
    return {reinterpret_cast<const char*>(bytes), size};
}

${arrays}
} // namespace

std::span<const PageFile> page_files() {
    static const std::array<PageFile, ${count}> files{
${rows}    };
    return files;
}

} // namespace hearth::daemon
")
