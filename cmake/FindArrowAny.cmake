# Arrow and Parquet C++, from the system or from the pyarrow wheel of ${PULK_PYTHON}.
#
# Targets: pulk_dep::arrow, pulk_dep::parquet; pulk_dep::arrow_s3 when the wheel has it.
# Variables: ArrowAny_ORIGIN (for the configure log), ArrowAny_FILES (libraries to install with pulk,
# empty for a system Arrow), ArrowAny_LICENSES (their licence files).
#
# The wheel carries neither CMake nor pkg-config files and only versioned library names, so its
# targets are imported by full path here.
set(PULK_ARROW_FROM "auto" CACHE STRING "where Arrow comes from: auto, system or wheel")
set_property(CACHE PULK_ARROW_FROM PROPERTY STRINGS auto system wheel)

set(ArrowAny_ORIGIN "")
set(ArrowAny_FILES "")
set(ArrowAny_LICENSES "")

if(NOT PULK_ARROW_FROM STREQUAL "wheel")
  find_package(Arrow CONFIG QUIET)
  find_package(Parquet CONFIG QUIET)
  if(Arrow_FOUND AND Parquet_FOUND)
    foreach(lib IN ITEMS arrow parquet)
      add_library(pulk_dep_${lib} INTERFACE)
      add_library(pulk_dep::${lib} ALIAS pulk_dep_${lib})
    endforeach()
    target_link_libraries(pulk_dep_arrow INTERFACE
      $<IF:$<TARGET_EXISTS:Arrow::arrow_shared>,Arrow::arrow_shared,Arrow::arrow_static>)
    target_link_libraries(pulk_dep_parquet INTERFACE
      $<IF:$<TARGET_EXISTS:Parquet::parquet_shared>,Parquet::parquet_shared,Parquet::parquet_static>
      pulk_dep_arrow)
    set(ArrowAny_ORIGIN "system ${Arrow_VERSION}")
  endif()
endif()

if(NOT ArrowAny_ORIGIN AND NOT PULK_ARROW_FROM STREQUAL "system")
  execute_process(
    COMMAND ${PULK_PYTHON} -c "import pathlib, pyarrow as p
from importlib.metadata import distribution
lib = pathlib.Path(p.get_library_dirs()[0])
files = distribution('pyarrow').files or []
print(p.get_include())
print(lib)
print(p.cpp_build_info.version)
print(p.cpp_build_info.so_version)
print(':'.join(str(f.locate()) for f in files if '/licenses/' in str(f)))"
    OUTPUT_VARIABLE _out RESULT_VARIABLE _rc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_rc EQUAL 0)
    string(REPLACE "\n" ";" _out "${_out}")
    list(GET _out 0 _inc)
    list(GET _out 1 _dir)
    list(GET _out 2 ArrowAny_VERSION)
    list(GET _out 3 _so)
    list(LENGTH _out _n)
    if(_n GREATER 4)
      list(GET _out 4 ArrowAny_LICENSES)
      string(REPLACE ":" ";" ArrowAny_LICENSES "${ArrowAny_LICENSES}")
    endif()
    foreach(lib IN ITEMS arrow parquet arrow_s3)
      set(_file "${_dir}/lib${lib}.so.${_so}")
      if(EXISTS "${_file}")
        add_library(pulk_dep::${lib} SHARED IMPORTED)
        set_target_properties(pulk_dep::${lib} PROPERTIES
          IMPORTED_LOCATION "${_file}"
          IMPORTED_SONAME "lib${lib}.so.${_so}"
          INTERFACE_INCLUDE_DIRECTORIES "${_inc}")
        if(NOT lib STREQUAL "arrow")
          target_link_libraries(pulk_dep::${lib} INTERFACE pulk_dep::arrow)
        endif()
      endif()
    endforeach()
    if(TARGET pulk_dep::arrow AND TARGET pulk_dep::parquet)
      set(ArrowAny_ORIGIN "pyarrow wheel ${ArrowAny_VERSION}")
      set(ArrowAny_FILES "${_dir}/libarrow.so.${_so}" "${_dir}/libparquet.so.${_so}")
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ArrowAny REQUIRED_VARS ArrowAny_ORIGIN
  REASON_FAILURE_MESSAGE "no system Arrow, and ${PULK_PYTHON} has no pyarrow: run scripts/setup.sh")
