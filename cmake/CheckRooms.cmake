# Fails when a file under src/ includes a header of a room that its own room may not know.
#
# Run as: cmake -DSRC=<src dir> -DGRAPH=<file> -P CheckRooms.cmake
# GRAPH has one line per room: "room:dep,dep,...", all dependencies, the indirect ones too. The
# linker alone does not see these mistakes: all rooms end up in one program.
cmake_minimum_required(VERSION 3.25)

file(STRINGS "${GRAPH}" _lines)
set(_rooms "")
foreach(_line IN LISTS _lines)
  string(REGEX MATCH "^([^:]+):(.*)$" _ "${_line}")
  set(_room "${CMAKE_MATCH_1}")
  string(REPLACE "," ";" _known_${_room} "${CMAKE_MATCH_2}")
  list(APPEND _known_${_room} "${_room}")
  list(APPEND _rooms "${_room}")
endforeach()

set(_bad 0)
file(GLOB_RECURSE _files RELATIVE "${SRC}" "${SRC}/*.h" "${SRC}/*.cpp")
foreach(_file IN LISTS _files)
  string(REGEX REPLACE "/.*$" "" _room "${_file}")
  if(NOT _room IN_LIST _rooms)
    message("src/${_file}: '${_room}' is not a room named in CMakeLists.txt")
    math(EXPR _bad "${_bad} + 1")
    continue()
  endif()
  file(STRINGS "${SRC}/${_file}" _includes REGEX "^[ \t]*#[ \t]*include[ \t]+\"")
  foreach(_include IN LISTS _includes)
    if(_include MATCHES "\"([a-z_]+)/" AND CMAKE_MATCH_1 IN_LIST _rooms
       AND NOT CMAKE_MATCH_1 IN_LIST _known_${_room})
      message("src/${_file}: ${_room} may not know ${CMAKE_MATCH_1}: ${_include}")
      math(EXPR _bad "${_bad} + 1")
    endif()
  endforeach()
endforeach()
if(_bad GREATER 0)
  message(FATAL_ERROR "${_bad} problem(s) in the dependencies between rooms")
endif()
