// Writes a small file so that readers see all of it or nothing: under another name first, then a rename.
#pragma once

#include <string>

namespace pulk {

// Throws Error(usage) "<what> cannot be written".
void write_whole_file(const std::string& path, const std::string& content, const std::string& what);

}  // namespace pulk
