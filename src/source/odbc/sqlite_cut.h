// Cuts a SQLite table into ranges of a key, without sorting it: boundaries come from rows found by evenly spread seeks,
// or from one random sample where rows have no rowid.
#pragma once

#include <vector>

#include "catalog/table_plan.h"
#include "source/odbc/handle.h"
#include "source/source.h"

namespace pulk::odbc {

std::vector<PartitionPlan> cut_table(Connection& connection, const TableInfo& table, const PartitionRequest& request);

}  // namespace pulk::odbc
