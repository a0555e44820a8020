# cmake -DNAME= -DVERSION= -DLIBRARY= -DOPERATIONS=a,b -DFORMATS=a,b -DDEVICES=a,b -DDESCRIPTION= -P write_plugin_manifest.cmake
# Writes backend-<NAME>.json beside LIBRARY, with the library's sha256.
cmake_minimum_required(VERSION 3.25)

# "a,b" → "\"a\",\"b\""; empty stays empty.
function(json_strings list_text result)
  set(quoted "")
  if(NOT list_text STREQUAL "")
    string(REPLACE "," "\",\"" quoted "\"${list_text}\"")
  endif()
  set(${result} "[${quoted}]" PARENT_SCOPE)
endfunction()

file(SHA256 ${LIBRARY} sha256)
get_filename_component(folder ${LIBRARY} DIRECTORY)
get_filename_component(library ${LIBRARY} NAME)
json_strings("${OPERATIONS}" operations)
json_strings("${FORMATS}" formats)
json_strings("${DEVICES}" devices)
string(REPLACE "\\" "\\\\" description "${DESCRIPTION}")
string(REPLACE "\"" "\\\"" description "${description}")

set(manifest ${folder}/backend-${NAME}.json)
file(WRITE ${manifest}.new
  "{\"manifest\":1,\"name\":\"${NAME}\",\"abi\":1,\"version\":\"${VERSION}\",\"library\":\"${library}\",\n"
  " \"sha256\":\"${sha256}\",\n"
  " \"operations\":${operations},\"formats\":${formats},\"devices\":${devices},\n"
  " \"description\":\"${description}\"}\n")
file(RENAME ${manifest}.new ${manifest})
# The core refuses a plugin that others could have changed.
file(CHMOD ${LIBRARY} ${manifest} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
