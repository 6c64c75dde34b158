// An empty DuckDB file that is there whole or not at all, also for a process that is killed while it is made.
#pragma once

#include <string>

namespace pulk {

// Makes `path` unless another process was faster. Its folder must exist. Throws Error.
void make_duckdb_file(const std::string& path);

}  // namespace pulk
