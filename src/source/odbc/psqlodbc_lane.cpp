#include "source/odbc/psqlodbc_lane.h"

#include <utility>
#include <vector>

#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"
#include "source/odbc/psqlodbc_columns.h"
#include "source/odbc/server_reader.h"
#include "source/postgres/reading.h"

namespace pulk::odbc {

PsqlodbcLane::PsqlodbcLane(std::shared_ptr<PsqlodbcSessions> sessions, std::string exported)
    : sessions_(std::move(sessions)), exported_(std::move(exported)), permit_(sessions_->permit()) {
  join();
}

void PsqlodbcLane::join() {
  auto session = sessions_->open_odbc();
  session->begin(postgres::Isolation::snapshot);
  postgres::join_snapshot(session->connection(), exported_, sessions_->where());
  const std::lock_guard lock(session_mutex_);
  session_ = std::move(session);
}

// A reader that failed leaves a failed transaction behind.
PsqlodbcStatements& PsqlodbcLane::connection() {
  if (session_ != nullptr && session_->link()->lost()) drop_session();
  if (session_ == nullptr) join();
  return session_->connection();
}

void PsqlodbcLane::drop_session() {
  std::unique_ptr<PsqlodbcSession> session;
  {
    const std::lock_guard lock(session_mutex_);
    session = std::move(session_);
  }
  // Ends outside of the lock: ending waits for the token's callbacks, of which cancel() is one.
}

void PsqlodbcLane::cancel() {
  const std::lock_guard lock(session_mutex_);
  if (session_ != nullptr) session_->link()->interrupt();
}

std::unique_ptr<BatchReader> PsqlodbcLane::read(const TablePlan& table, const PartitionPlan& partition,
                                                const ReadLimits& limits) {
  if (sessions_->cancel_token() != nullptr) sessions_->cancel_token()->check();
  try {
    const postgres::Reading reading = postgres::plan_reading(connection(), table);
    std::vector<NativeColumn> columns;
    for (std::size_t i = 0; i < reading.columns.size(); ++i)
      columns.push_back(psqlodbc_column(reading.actual[i], reading.columns[i]));
    const std::string from = postgres::from_item(table.source, postgres::output_names(connection(), table.source)) +
                             where_clause({table.source.filter, partition.predicate});
    const std::lock_guard lock(session_->link()->mutex());
    return std::make_unique<ServerReader>(session_->link(), std::move(columns), from, table, partition, limits);
  } catch (const Error& error) {
    drop_session();  // its transaction may have failed
    throw error.subject().starts_with(table.label) ? error : error.with_subject(table.label);
  }
}

std::int64_t PsqlodbcLane::count(const TablePlan& table) {
  if (sessions_->cancel_token() != nullptr) sessions_->cancel_token()->check();
  try {
    return connection()
        .exec("SELECT pg_catalog.count(*) FROM " +
              postgres::from_item(table.source, postgres::output_names(connection(), table.source)) +
              where_clause({table.source.filter}))
        .integer(0, 0);
  } catch (const Error& error) {
    drop_session();
    throw error.with_subject(table.label);
  }
}

}  // namespace pulk::odbc
