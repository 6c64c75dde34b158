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
  // A single lane reads through the catalog's connection: what one transaction sees is one moment on any server.
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
  if (!hold(tables)) level_ = ConsistencyLevel::per_partition;
  provable_ = moment_.has_value() && level_ == ConsistencyLevel::snapshot;
  id_ = provable_ ? *moment_ : "server " + utc_now() + " " + new_run_id();
}

ServerSnapshot::~ServerSnapshot() { pool_->close(); }

// False when the transactions are not known to see the same.
bool ServerSnapshot::open_together() {
  const ServerDialect& dialect = sessions_->dialect();
  dialect.begin(*catalog_);
  moment_ = dialect.moment(*catalog_);
  bool same = moment_.has_value();
  for (const auto& connection : pool_->idle()) {
    if (connection == catalog_) continue;
    dialect.begin(*connection);
    same = same && dialect.moment(*connection) == moment_;
  }
  return same;
}

void ServerSnapshot::open_locked() {
  const ServerDialect& dialect = sessions_->dialect();
  const auto locker = sessions_->open();
  dialect.lock_writers(*locker);
  dialect.begin(*catalog_);
  for (const auto& connection : pool_->idle()) dialect.begin(*connection);
  dialect.unlock_writers(*locker);
  moment_ = dialect.moment(*catalog_);
}

void ServerSnapshot::end_all() {
  catalog_->execute("ROLLBACK");
  for (const auto& connection : pool_->idle())
    if (connection != catalog_) connection->execute("ROLLBACK");
}

// A first look at each table: the server then keeps its definition until the transaction ends, so that ALTER, DROP and
// TRUNCATE wait. False when a table's engine has no transactions.
bool ServerSnapshot::hold(const std::vector<TableRequest>& tables) {
  bool transactional = true;
  for (const TableRequest& request : tables) {
    try {
      const ServerObject found = sessions_->dialect().find(*catalog_, request);
      transactional = transactional && found.transactional;
      catalog_->query("SELECT 1 FROM " + sessions_->dialect().from_item(found.object) + " WHERE 1 = 0");
    } catch (const Error& error) {
      // What is wrong with a table is reported where it is described.
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
  const std::unique_lock lock(catalog_->mutex(), std::try_to_lock);
  if (!lock.owns_lock()) return true;  // somebody reads through it
  if (catalog_->lost()) return false;
  try {
    catalog_->query("SELECT 1");
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
  const std::lock_guard lock(catalog_->mutex());
  return odbc::describe(*catalog_, sessions_->dialect(), request);
}

std::vector<PartitionPlan> ServerSnapshot::cut(const TableInfo& table, const PartitionRequest& request) {
  const std::lock_guard lock(catalog_->mutex());
  return cut_table(*catalog_, sessions_->dialect(), table, request);
}

bool ServerSnapshot::unchanged(const TablePlan&, const PartitionPlan&, const std::string& old_id, std::int64_t) {
  return provable_ && id_ == old_id;
}

}  // namespace pulk::odbc
