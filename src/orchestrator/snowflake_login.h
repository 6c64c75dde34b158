// Which Snowflake a command works on: the one of the environment and of `.env`, as exports use it, or a target of
// pulk's connections file.
#pragma once

#include <cstdint>
#include <string>

#include "config/snowflake_connection.h"

namespace pulk {

struct SnowflakeLoginOptions {
  std::string connections;  // a connections file; "" for the environment
  std::string target;       // its connection, when there are several
  std::string env_file;     // "" looks for `.env` here and above
};

// Throws Error(usage) with every problem of what was found. `memory` is the driver's share (I3). May start the program
// anew, so it is called before any work.
SnowflakeConnection log_in_by(const SnowflakeLoginOptions& options, std::int64_t memory);

}  // namespace pulk
