#include "orchestrator/connections_file.h"

#include <cstdint>

#include "adbc/snowflake/library.h"
#include "orchestrator/place.h"
#include "secrets/reference.h"

namespace pulk {

namespace {

// The driver's share (I3): what uploads hold in memory.
constexpr std::int64_t kDriverMemory = 128LL << 20;

}  // namespace

void start_for(const std::string& path) {
  if (names_snowflake(path)) snowflake::set_driver_environment(kDriverMemory);
}

ConnectionsFile read_connections(const std::string& path) {
  start_for(path);
  read_env_file("");
  return load_connections(path, resolve_reference, resolve_reference_anew);
}

}  // namespace pulk
