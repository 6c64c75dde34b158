// A flag for an amount of bytes: "512MiB", "2GB", "1048576".
#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace pulk {

// `target` holds the default and must outlive the parsing.
void add_bytes(CLI::App& app, const std::string& name, std::int64_t& target, const std::string& about,
               std::int64_t smallest = 0);

}  // namespace pulk
