// Cuts a server's table into ranges of a key, without sorting it: boundaries are found by seeks along the key's index.
#pragma once

#include <vector>

#include "source/odbc/server_dialect.h"

namespace pulk::odbc {

std::vector<PartitionPlan> cut_table(Connection& connection, const ServerDialect& dialect, const TableInfo& table,
                                     const PartitionRequest& request);

// The key that a server can be asked about by literals: why not, "" when it can.
std::string why_no_key(const ServerDialect& dialect, const TableInfo& table, const std::vector<std::string>& key);

}  // namespace pulk::odbc
