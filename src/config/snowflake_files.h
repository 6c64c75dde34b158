// Snowflake's own files: the settings of one named connection. Called by resolve_snowflake only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/snowflake_connection.h"

namespace pulk {

struct NamedConnection {
  std::string name;
  std::string path;                                    // of the file that has it
  std::map<std::string, SnowflakeTarget::Value> keys;  // those that pulk knows, by Snowflake's name
  std::vector<std::string> warnings;
};

// `name` empty: SNOWFLAKE_CONNECTION_NAME, SNOWFLAKE_DEFAULT_CONNECTION_NAME, default_connection_name of config.toml,
// "default". What is wrong goes to `problems`; then the answer may have no keys.
NamedConnection read_named_connection(std::string name, Problems& problems);

}  // namespace pulk
