// Variables of the environment. Reading is safe from several threads as long as nobody calls setenv: the one place that
// does starts the program anew (adbc/snowflake/library).
#pragma once

#include <string>

namespace pulk {

// "" for a variable that is not set: programs treat an empty one as if it were not.
std::string environment(const std::string& name);
bool in_environment(const std::string& name);  // set, be it to nothing

}  // namespace pulk
