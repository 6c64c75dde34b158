// Where the Snowflake driver is, and the limit for its memory. The driver is a Go library: it is loaded when the first
// session is opened, and never unloaded.
#pragma once

#include <cstdint>
#include <string>

namespace pulk::snowflake {

// PULK_SNOWFLAKE_LIBRARY, else ../lib beside the program, else the path of the build, else the name alone, which the
// system's loader looks for. Throws Error(usage) when none of them is there.
std::string driver_library();

// Go takes its variables from the environment that the process was started with, not from what setenv changed, so the
// program starts itself once more with two of them set: GOMEMLIMIT, and the one that keeps the driver from asking the
// metadata services of three clouds, through a proxy where there is one, what machine this is. What is set already stays;
// does nothing when both are. To be called before any work, by the program only; does not return when it starts anew.
void set_driver_environment(std::int64_t memory);

}  // namespace pulk::snowflake
