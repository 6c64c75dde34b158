#include "source/odbc/server_snapshot.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "source/odbc/server_cut.h"
#include "source/odbc/server_lane.h"
#include "source/odbc/sqlite_catalog.h"

namespace pulk::odbc {
namespace {

constexpr int kAttempts = 20;
constexpr std::chrono::seconds kLaneWait{30};

}  // namespace

ServerSnapshot::ServerSnapshot(std::shared_ptr<ServerSessions> sessions, const std::vector<TableRequest>& tables,
                               int parallel_lanes)
    : sessions_(std::move(sessions)), catalog_(sessions_->open()), pool_(std::make_shared<Pool>()) {
  // A single lane reads through the catalog's connection: what one transaction sees is one moment on any server.
  for (int i = 0; parallel_lanes > 1 && i < parallel_lanes; ++i) {
    auto connection = sessions_->open_if_free();
    if (connection == nullptr) break;
    pool_->idle.push_back(std::move(connection));
  }
  if (pool_->idle.empty()) pool_->idle.push_back(catalog_);
  const bool alone = pool_->idle.front() == catalog_;
  std::optional<std::string> moment;
  if (sessions_->may_lock() && !alone) {
    open_locked();
    moment = sessions_->dialect().moment(*catalog_);
  } else {
    moment = open_together();
    const bool told = sessions_->dialect().moment(*catalog_).has_value();
    for (int i = 1; i < kAttempts && told && !moment; ++i) {
      end_all();
      moment = open_together();
    }
    if (!moment && !alone) level_ = ConsistencyLevel::per_partition;
  }
  taken_ = std::chrono::steady_clock::now();
  if (!hold(tables)) level_ = ConsistencyLevel::per_partition;
  provable_ = moment.has_value() && level_ == ConsistencyLevel::snapshot;
  id_ = provable_ ? *moment : "server " + utc_now() + " " + new_run_id();
}

ServerSnapshot::~ServerSnapshot() {
  const std::lock_guard lock(pool_->mutex);
  pool_->closed = true;
  pool_->idle.clear();
}

std::optional<std::string> ServerSnapshot::open_together() {
  const ServerDialect& dialect = sessions_->dialect();
  dialect.begin(*catalog_);
  auto moment = dialect.moment(*catalog_);
  for (const auto& connection : pool_->idle) {
    if (connection == catalog_) continue;
    dialect.begin(*connection);
    if (dialect.moment(*connection) != moment) moment.reset();
  }
  return moment;
}

void ServerSnapshot::open_locked() {
  const ServerDialect& dialect = sessions_->dialect();
  const auto locker = sessions_->open();
  dialect.lock_writers(*locker);
  dialect.begin(*catalog_);
  for (const auto& connection : pool_->idle) dialect.begin(*connection);
  dialect.unlock_writers(*locker);
}

void ServerSnapshot::end_all() {
  catalog_->execute("ROLLBACK");
  for (const auto& connection : pool_->idle)
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
      catalog_->query("SELECT 1 FROM " + sessions_->dialect().from_item(found.object) + " LIMIT 0");
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
  {
    const std::lock_guard lock(pool_->mutex);
    if (pool_->lost) return false;
  }
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
  std::shared_ptr<Connection> connection;
  {
    std::unique_lock lock(pool_->mutex);
    const auto deadline = std::chrono::steady_clock::now() + kLaneWait;
    while (pool_->idle.empty()) {
      catalog_->check_cancelled();
      if (pool_->lost)
        throw Error(ErrorKind::retryable, "a connection of the snapshot was lost", catalog_->subject());
      if (std::chrono::steady_clock::now() >= deadline)
        throw Error(ErrorKind::retryable, "no connection of the snapshot became free", catalog_->subject());
      pool_->returned.wait_for(lock, std::chrono::milliseconds(100));
    }
    connection = std::move(pool_->idle.back());
    pool_->idle.pop_back();
  }
  return std::make_unique<ServerLane>(sessions_, std::move(connection), [pool = pool_](std::shared_ptr<Connection> back) {
    {
      const std::lock_guard lock(pool->mutex);
      pool->lost = pool->lost || back->lost();
      if (!pool->closed && !back->lost()) pool->idle.push_back(std::move(back));
    }
    pool->returned.notify_all();
  });
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
