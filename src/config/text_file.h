// Reads a configuration file whole. Called by the loaders of this room.
#pragma once

#include <string>

namespace pulk {

// Throws Error(usage); `missing_hint` is the hint when there is no such file.
std::string read_text_file(const std::string& path, const std::string& missing_hint);

}  // namespace pulk
