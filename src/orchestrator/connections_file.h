// The connections file as the commands read it.
#pragma once

#include <string>
#include <vector>

#include "config/connections.h"

namespace pulk {

// For files with a target in Snowflake: what its driver wants to find in the environment that the process began with, which
// may start the program anew (snowflake::set_driver_environment). To be called before anything else: what `.env` and Vault give
// must not be in that environment, and nobody should log in twice.
void start_for(const std::string& path);

// Calls start_for(). Reads `.env`, here or in the nearest folder above, unless another file was named: its variables are those that references
// ("env:NAME") and the login to Vault find, as far as the environment does not set them. Throws what load_connections()
// throws. The first call is to be made before there are threads.
ConnectionsFile read_connections(const std::string& path);

// The references into a Vault that the file has, in its order, each once; none are resolved. None for a file that
// cannot be read. Reads `.env` as above.
std::vector<std::string> vault_references(const std::string& path);

}  // namespace pulk
