#include "orchestrator/connections_file.h"

#include "orchestrator/place.h"
#include "secrets/reference.h"

namespace pulk {

ConnectionsFile read_connections(const std::string& path) {
  read_env_file("");
  return load_connections(path, resolve_reference, resolve_reference_anew);
}

}  // namespace pulk
