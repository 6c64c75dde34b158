# The Snowflake driver for ADBC: the library of the wheel adbc-driver-snowflake, of ${PULK_PYTHON} or of the tests' venv.
# It is loaded at run time, so a build without it is whole.
#
# Variables: SnowflakeDriver_LIBRARY, SnowflakeDriver_LICENSES.
set(SnowflakeDriver_LIBRARY "")
set(SnowflakeDriver_LICENSES "")

# find_spec of a top-level package does not import it, so nothing of the wheel runs here.
foreach(_python "${PULK_PYTHON}" "${CMAKE_SOURCE_DIR}/.deps/venv-snowflake/bin/python3")
  if(SnowflakeDriver_LIBRARY OR NOT EXISTS "${_python}")
    continue()
  endif()
  execute_process(
    COMMAND ${_python} -c "from importlib.metadata import distribution
from importlib.util import find_spec
d = distribution('adbc-driver-snowflake')
print(find_spec('adbc_driver_snowflake').submodule_search_locations[0])
print(':'.join(str(f.locate()) for f in d.files or [] if f.name in ('LICENSE.txt', 'NOTICE.txt')))"
    OUTPUT_VARIABLE _out RESULT_VARIABLE _rc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_rc EQUAL 0)
    string(REPLACE "\n" ";" _out "${_out}")
    list(GET _out 0 _folder)
    set(SnowflakeDriver_LIBRARY "${_folder}/libadbc_driver_snowflake.so")
    list(LENGTH _out _n)
    if(_n GREATER 1)
      list(GET _out 1 SnowflakeDriver_LICENSES)
      string(REPLACE ":" ";" SnowflakeDriver_LICENSES "${SnowflakeDriver_LICENSES}")
    endif()
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SnowflakeDriver REQUIRED_VARS SnowflakeDriver_LIBRARY)
