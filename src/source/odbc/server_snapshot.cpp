#include "source/odbc/server_snapshot.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "source/odbc/server_cut.h"
#include "source/odbc/server_lane.h"
#include "source/odbc/catalog_rows.h"

namespace pulk::odbc {
namespace {

constexpr int kAttempts = 20;

}  // namespace

ServerSnapshot::ServerSnapshot(std::shared_ptr<ServerSessions> sessions, const std::vector<TableRequest>& tables,
                               int parallel_lanes)
    : sessions_(std::move(sessions)), catalog_(sessions_->open()), pool_(std::make_shared<LanePool>()) {
  tables_ = look_up(tables);
  // A single lane reads through the catalog's connection: what one transaction sees is one moment on most servers.
  for (int i = 0; parallel_lanes > 1 && i < parallel_lanes; ++i) {
    auto connection = sessions_->open_if_free();
    if (connection == nullptr) break;
    pool_->add(std::move(connection));
  }
  if (pool_->idle().empty()) pool_->add(catalog_);
  const bool alone = pool_->idle().front() == catalog_;
  if (sessions_->may_lock() && !alone) {
    open_locked();
  } else {
    bool together = open_together();
    for (int i = 1; i < kAttempts && moment_ && !together; ++i) {
      end_all();
      together = open_together();
    }
    if (!together && !alone) level_ = ConsistencyLevel::per_partition;
  }
  taken_ = std::chrono::steady_clock::now();
  if (!hold() || !sessions_->dialect().sees_one_moment(*catalog_)) level_ = ConsistencyLevel::per_partition;
  provable_ = moment_.has_value() && level_ == ConsistencyLevel::snapshot;
  id_ = provable_ ? *moment_ : "server " + utc_now() + " " + new_run_id();
}

ServerSnapshot::~ServerSnapshot() { pool_->close(); }

// False when the transactions are not known to see the same.
bool ServerSnapshot::open_together() {
  const ServerDialect& dialect = sessions_->dialect();
  dialect.begin(*catalog_, tables_);
  moment_ = dialect.moment(*catalog_);
  bool same = moment_.has_value();
  for (const auto& connection : pool_->idle()) {
    if (connection == catalog_) continue;
    dialect.begin(*connection, tables_);
    same = same && dialect.moment(*connection) == moment_;
  }
  return same;
}

void ServerSnapshot::open_locked() {
  const ServerDialect& dialect = sessions_->dialect();
  const auto locker = sessions_->open();
  dialect.lock_writers(*locker, tables_);
  dialect.begin(*catalog_, tables_);
  for (const auto& connection : pool_->idle()) dialect.begin(*connection, tables_);
  dialect.unlock_writers(*locker);
  moment_ = dialect.moment(*catalog_);
}

void ServerSnapshot::end_all() {
  catalog_->execute("ROLLBACK");
  for (const auto& connection : pool_->idle())
    if (connection != catalog_) connection->execute("ROLLBACK");
}

std::vector<ServerObject> ServerSnapshot::look_up(const std::vector<TableRequest>& tables) {
  std::vector<ServerObject> found;
  for (const TableRequest& request : tables) {
    try {
      found.push_back(sessions_->dialect().find(*catalog_, request));
    } catch (const Error& error) {
      // What is wrong with a table is reported where it is described.
      if (error.kind() == ErrorKind::retryable) throw;
    }
  }
  return found;
}

// A first look at each table: the server then keeps its definition until the transaction ends, so that ALTER, DROP and
// TRUNCATE wait. False when a table's engine has no transactions.
bool ServerSnapshot::hold() {
  bool transactional = true;
  for (const ServerObject& table : tables_) {
    transactional = transactional && table.transactional;
    try {
      catalog_->query("SELECT 1 FROM " + sessions_->dialect().from_item(table.object) + " WHERE 1 = 0");
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::retryable) throw;
    }
  }
  return transactional;
}

double ServerSnapshot::age_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - taken_).count();
}

bool ServerSnapshot::alive() {
  if (pool_->lost()) return false;
  Connection::Rows rows;
  if (!Connection::Rows::try_hold(*catalog_, rows)) return !catalog_->lost();  // somebody reads through it
  const std::unique_lock lock(catalog_->mutex(), std::try_to_lock);
  if (!lock.owns_lock()) return true;
  if (catalog_->lost()) return false;
  try {
    catalog_->query("SELECT 1");
    sessions_->dialect().check_transaction(*catalog_);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<SourceLane> ServerSnapshot::open_lane() {
  return std::make_unique<ServerLane>(sessions_, pool_->take(*catalog_), pool_->give_back());
}

TableInfo describe(Connection& connection, const ServerDialect& dialect, const TableRequest& request) {
  const ServerObject found = dialect.find(connection, request);
  TableInfo info;
  info.object = found.object;
  info.kind = found.kind;
  info.columns = found.columns;
  info.primary_key = found.primary_key;
  info.rows_estimate = found.rows_estimate;
  info.bytes_estimate = found.bytes_estimate;
  info.fingerprint = fingerprint_of(found.columns);
  info.notes = found.notes;
  return info;
}

TableInfo ServerSnapshot::describe(const TableRequest& request) {
  const Connection::Rows rows(*catalog_);
  const std::lock_guard lock(catalog_->mutex());
  return odbc::describe(*catalog_, sessions_->dialect(), request);
}

std::vector<PartitionPlan> ServerSnapshot::cut(const TableInfo& table, const PartitionRequest& request) {
  const Connection::Rows rows(*catalog_);
  const std::lock_guard lock(catalog_->mutex());
  return cut_table(*catalog_, sessions_->dialect(), table, request);
}

bool ServerSnapshot::unchanged(const TablePlan&, const PartitionPlan&, const std::string& old_id, std::int64_t) {
  return provable_ && id_ == old_id;
}

}  // namespace pulk::odbc
