# The ADBC driver manager, compiled from the C++ sources that the adbc-driver-manager wheel of
# ${PULK_PYTHON} carries.
#
# Target: adbc_driver_manager (static; include "arrow-adbc/adbc.h").
# Variable: AdbcDriverManager_LICENSES.
#
# A driver is never called directly: the manager wraps the result streams, and without that wrapping
# the Snowflake driver leaves a stream unreleased, at which Arrow's importer aborts the process.
set(AdbcDriverManager_ROOT "")
set(AdbcDriverManager_LICENSES "")

# find_spec of a top-level package does not import it, so nothing of the wheel runs here.
execute_process(
  COMMAND ${PULK_PYTHON} -c "from importlib.metadata import distribution
from importlib.util import find_spec
d = distribution('adbc-driver-manager')
print(find_spec('adbc_driver_manager').submodule_search_locations[0])
print(d.version)
print(':'.join(str(f.locate()) for f in d.files or [] if f.name in ('LICENSE.txt', 'NOTICE.txt')))"
  OUTPUT_VARIABLE _out RESULT_VARIABLE _rc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(_rc EQUAL 0)
  string(REPLACE "\n" ";" _out "${_out}")
  list(GET _out 0 AdbcDriverManager_ROOT)
  list(GET _out 1 AdbcDriverManager_VERSION)
  list(LENGTH _out _n)
  if(_n GREATER 2)
    list(GET _out 2 AdbcDriverManager_LICENSES)
    string(REPLACE ":" ";" AdbcDriverManager_LICENSES "${AdbcDriverManager_LICENSES}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(AdbcDriverManager
  REQUIRED_VARS AdbcDriverManager_ROOT VERSION_VAR AdbcDriverManager_VERSION
  REASON_FAILURE_MESSAGE "${PULK_PYTHON} has no adbc-driver-manager: run scripts/setup.sh")

if(AdbcDriverManager_FOUND AND NOT TARGET adbc_driver_manager)
  add_library(adbc_driver_manager STATIC
    "${AdbcDriverManager_ROOT}/adbc_driver_manager.cc"
    "${AdbcDriverManager_ROOT}/adbc_driver_manager_api.cc"
    "${AdbcDriverManager_ROOT}/adbc_driver_manager_driver_loading.cc"
    "${AdbcDriverManager_ROOT}/adbc_driver_manager_profiles.cc")
  # The wheel's folder also holds a toml++ of another release than the one src/config uses. Both say
  # namespace toml::v3, and the linker would quietly merge them: rename this one, and show users of the
  # manager only its own headers.
  set(_include "${CMAKE_BINARY_DIR}/generated/adbc_driver_manager")
  file(COPY "${AdbcDriverManager_ROOT}/arrow-adbc" DESTINATION "${_include}")
  target_include_directories(adbc_driver_manager SYSTEM
    PRIVATE "${AdbcDriverManager_ROOT}" PUBLIC "${_include}")
  target_compile_definitions(adbc_driver_manager PRIVATE toml=adbc_toml)
  target_compile_options(adbc_driver_manager PRIVATE -w)
  target_link_libraries(adbc_driver_manager PUBLIC ${CMAKE_DL_LIBS})
endif()
