// The connections file as the commands read it.
#pragma once

#include <string>
#include <vector>

#include "config/connections.h"

namespace pulk {

// Reads `.env` first, here or in the nearest folder above, unless another file was named: its variables are those that
// references
// ("env:NAME") and the login to Vault find, as far as the environment does not set them. Throws what load_connections()
// throws. The first call is to be made before there are threads.
ConnectionsFile read_connections(const std::string& path);

// The references into a Vault that the file has, in its order, each once; none are resolved. None for a file that
// cannot be read. Reads `.env` as above.
std::vector<std::string> vault_references(const std::string& path);

}  // namespace pulk
