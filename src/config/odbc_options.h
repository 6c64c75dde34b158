// Keywords of an ODBC connection string that a person writes under `odbc_options`: passed on to the driver, but for
// those that have a key of their own.
#pragma once

#include <map>
#include <string>

#include "config/toml_table.h"

namespace pulk {

// `own_keys`: keyword in lower case → the key to write instead; twice in one string, drivers disagree which counts.
std::map<std::string, std::string> take_odbc_options(TomlFile& file, TomlTable& table,
                                                     const std::map<std::string, std::string>& own_keys);

}  // namespace pulk
