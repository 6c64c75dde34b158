#include "orchestrator/connections_file.h"

#include <algorithm>
#include <cstdint>

#include "adbc/snowflake/library.h"
#include "base/error.h"
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

std::vector<std::string> vault_references(const std::string& path) {
  read_env_file("");
  std::vector<std::string> found;
  try {
    load_connections(path, [&](std::string_view text) {
      if (text.starts_with("vault:") && std::find(found.begin(), found.end(), text) == found.end())
        found.emplace_back(text);
      return std::string(text);
    });
  } catch (const Error&) {
    // Of what else is wrong in it, whoever loads it tells.
  }
  return found;
}

}  // namespace pulk
