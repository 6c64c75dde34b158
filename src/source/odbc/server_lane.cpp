#include "source/odbc/server_lane.h"

#include <utility>

#include "base/error.h"
#include "source/dialect/clauses.h"
#include "source/odbc/server_reader.h"
#include "source/odbc/catalog_rows.h"

namespace pulk::odbc {
namespace {

TableRequest planned(const SourceObject& object) {
  TableRequest request;
  request.schema = {object.name.schema, true};
  request.table = {object.name.table, true};
  request.query = object.query;
  request.filter = object.filter;
  return request;
}

// Throws Error(drift) when the columns are not the planned ones.
void check_drift(Connection& connection, const ServerDialect& dialect, const TablePlan& table) {
  try {
    if (fingerprint_of(dialect.find(connection, planned(table.source)).columns) == table.schema_fingerprint) return;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    throw Error(ErrorKind::drift, "what was planned is not there any more: " + error.message(), table.label);
  }
  throw Error(ErrorKind::drift, "the columns of the source are not the planned ones any more", table.label,
              "plan again: names, types or order of columns have changed");
}

}  // namespace

ServerLane::ServerLane(std::shared_ptr<ServerSessions> sessions, std::shared_ptr<Connection> connection,
                       std::function<void(std::shared_ptr<Connection>)> give_back)
    : sessions_(std::move(sessions)), connection_(std::move(connection)), give_back_(std::move(give_back)) {}

ServerLane::~ServerLane() { give_back_(std::move(connection_)); }

std::unique_ptr<BatchReader> ServerLane::read(const TablePlan& table, const PartitionPlan& partition,
                                              const ReadLimits& limits) {
  Connection::Rows rows(*connection_);
  const std::lock_guard lock(connection_->mutex());
  check_drift(*connection_, sessions_->dialect(), table);
  auto reader = std::make_unique<ServerReader>(connection_, sessions_->dialect(), table, partition, limits);
  reader->hold(std::move(rows));
  return reader;
}

std::int64_t ServerLane::count(const TablePlan& table) {
  const Connection::Rows held(*connection_);
  const std::lock_guard lock(connection_->mutex());
  const std::int64_t rows = to_number(connection_->value(
      "SELECT count(*) FROM " + sessions_->dialect().from_item(table.source) + where_clause({table.source.filter})));
  sessions_->dialect().check_transaction(*connection_);
  return rows;
}

}  // namespace pulk::odbc
