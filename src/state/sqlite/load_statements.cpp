#include "state/sqlite/load_statements.h"

namespace pulk {

std::vector<LoadStatement> read_statements(SqliteDb& db, const std::string& run, int table, int partition) {
  SqliteStatement query(db,
                        "SELECT query_id, seconds, rows, bytes FROM statement WHERE run = ? AND tbl = ? AND "
                        "partition = ? ORDER BY ordinal");
  query.arg(run).arg(std::int64_t{table}).arg(std::int64_t{partition});
  std::vector<LoadStatement> all;
  while (query.step()) all.push_back({query.text(0), query.real(1), query.integer(2), query.integer(3)});
  return all;
}

void forget_statements(SqliteDb& db, const std::string& run, int table, int partition) {
  SqliteStatement(db, "DELETE FROM statement WHERE run = ? AND tbl = ? AND partition = ?")
      .arg(run)
      .arg(std::int64_t{table})
      .arg(std::int64_t{partition})
      .run();
}

void set_statements(SqliteDb& db, const std::string& run, int table, int partition,
                    const std::vector<LoadStatement>& all) {
  if (all.empty()) return;
  forget_statements(db, run, table, partition);
  std::int64_t ordinal = 0;
  for (const LoadStatement& statement : all)
    SqliteStatement(db, "INSERT INTO statement VALUES (?,?,?,?,?,?,?,?)")
        .arg(run)
        .arg(std::int64_t{table})
        .arg(std::int64_t{partition})
        .arg(ordinal++)
        .arg(statement.query_id)
        .arg(statement.seconds)
        .arg(statement.rows)
        .arg(statement.bytes)
        .run();
}

}  // namespace pulk
