// Values that make the way of a run's values: written by literals, read by pulk's own reader as a lane does it.
#pragma once

#include <string>
#include <vector>

#include "orchestrator/prove/probe.h"
#include "orchestrator/prove/sqlserver/sqlserver_bench.h"

namespace pulk::prove {

struct ValueColumn {
  const char* type;                   // "decimal(38,38)"
  std::vector<std::string> literals;  // as T-SQL
  std::vector<std::string> expected;  // written by hand, as CSV has it; bytes in upper-case hex
};

// Makes a table of these columns, one row for each literal and one of NULLs, reads it and compares. All columns have as
// many literals.
Finding same_values(SqlServerBench& bench, const std::string& table, const std::vector<ValueColumn>& columns);

}  // namespace pulk::prove
