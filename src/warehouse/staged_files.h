// What the warehouses check of the files they are given before they load them. Used by duckdb/ and files/.
#pragma once

#include <string>
#include <vector>

#include "catalog/staged_file.h"

namespace pulk {

// Absolute paths of the files of a load, in order. Throws Error(integrity) for a file that is missing or has another
// size than the manifest says, Error(internal) for a name that leads out of the folder.
std::vector<std::string> staged_paths(const std::string& folder, const std::vector<StagedFile>& files);

}  // namespace pulk
