// The statements that loaded a partition or published a table, in the ledger. Used by the store alone, under its mutex;
// the functions that write, within its transactions.
#pragma once

#include <string>
#include <vector>

#include "base/sqlite_db.h"
#include "catalog/load_statement.h"

namespace pulk {

// In the place of a partition's ordinal: the statements that published the table.
inline constexpr int kPublishing = 0;

std::vector<LoadStatement> read_statements(SqliteDb& db, const std::string& run, int table, int partition);
void forget_statements(SqliteDb& db, const std::string& run, int table, int partition);
// Does nothing for none: what is known stays.
void set_statements(SqliteDb& db, const std::string& run, int table, int partition,
                    const std::vector<LoadStatement>& all);

}  // namespace pulk
