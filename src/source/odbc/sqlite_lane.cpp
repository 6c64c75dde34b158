#include "source/odbc/sqlite_lane.h"

#include <utility>

#include "base/error.h"
#include "source/odbc/catalog_rows.h"
#include "source/odbc/sqlite_catalog.h"
#include "source/odbc/sqlite_reader.h"

namespace pulk::odbc {

void check_drift(Connection& connection, const TablePlan& table) {
  const SqliteObject found = find_planned(connection, table.source);
  if (fingerprint_of(found.columns) == table.schema_fingerprint) return;
  throw Error(ErrorKind::drift, "the columns of the source are not the planned ones any more", table.label,
              "plan again: names, types or order of columns have changed");
}

SqliteLane::SqliteLane(std::shared_ptr<Connection> connection, bool utf8,
                       std::function<void(std::shared_ptr<Connection>)> give_back)
    : connection_(std::move(connection)), utf8_(utf8), give_back_(std::move(give_back)) {}

SqliteLane::~SqliteLane() { give_back_(std::move(connection_)); }

std::unique_ptr<BatchReader> SqliteLane::read(const TablePlan& table, const PartitionPlan& partition,
                                              const ReadLimits& limits) {
  const std::lock_guard lock(connection_->mutex());
  check_drift(*connection_, table);
  return std::make_unique<SqliteReader>(connection_, table, partition, limits, utf8_);
}

std::int64_t SqliteLane::count(const TablePlan& table) {
  const std::lock_guard lock(connection_->mutex());
  return count_rows(*connection_, table.source);
}

void SqliteLane::cancel() { connection_->interrupt(); }

}  // namespace pulk::odbc
