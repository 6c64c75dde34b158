#include "source/odbc/sqlite_snapshot.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/strings.h"
#include "source/odbc/sqlite_catalog.h"
#include "source/odbc/sqlite_cut.h"
#include "source/odbc/sqlite_file.h"
#include "source/odbc/sqlite_lane.h"

namespace pulk::odbc {
namespace {

constexpr int kAttempts = 20;

// BEGIN alone takes no lock: the first read does.
void begin(Connection& connection) {
  connection.execute("BEGIN");
  connection.query("SELECT count(*) FROM main.sqlite_master");
}

std::string data_version(Connection& connection) { return connection.value("PRAGMA main.data_version").value_or(""); }

}  // namespace

SqliteSnapshot::SqliteSnapshot(std::shared_ptr<SqliteSessions> sessions, int parallel_lanes)
    : sessions_(std::move(sessions)), catalog_(sessions_->open()), pool_(std::make_shared<LanePool>()) {
  // When the cap leaves no connection for the lanes, the only lane shares the catalog's.
  for (int i = 0; i < std::max(1, parallel_lanes); ++i) {
    auto connection = sessions_->open_if_free();
    if (connection == nullptr) break;
    pool_->add(std::move(connection));
  }
  if (pool_->idle().empty()) pool_->add(catalog_);
  wal_ = to_lower(catalog_->value("PRAGMA main.journal_mode").value_or("")) == "wal";
  utf8_ = catalog_->value("PRAGMA main.encoding").value_or("") == "UTF-8";
  bool together = open_together();
  for (int i = 1; i < kAttempts && !together; ++i) {
    end_all();
    together = open_together();
  }
  if (!together) level_ = ConsistencyLevel::per_partition;
  taken_ = std::chrono::steady_clock::now();
  make_id();
}

SqliteSnapshot::~SqliteSnapshot() { pool_->close(); }

bool SqliteSnapshot::open_together() {
  const std::string before = data_version(*catalog_);
  for (const auto& connection : pool_->idle()) {
    if (connection != catalog_) begin(*connection);
  }
  begin(*catalog_);
  return data_version(*catalog_) == before;
}

void SqliteSnapshot::end_all() {
  for (const auto& connection : pool_->idle()) {
    if (connection != catalog_) connection->execute("ROLLBACK");
  }
  catalog_->execute("ROLLBACK");
}

void SqliteSnapshot::make_id() {
  const std::string path = sessions_->path();
  const auto state = wal_ ? std::nullopt : read_file_state(path);
  if (!state) {
    // Nothing in the file tells two moments of a WAL apart: the id is unique, and nothing is ever proven from it.
    id_ = fmt::format("sqlite wal {} {} {}", path, utc_now(), new_run_id());
    return;
  }
  id_ = fmt::format("sqlite rollback {} device={} inode={} size={} modified={} change={} schema={}", path, state->device,
                    state->inode, state->size, state->modified_ns, state->change_counter, state->schema_cookie);
}

double SqliteSnapshot::age_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - taken_).count();
}

bool SqliteSnapshot::alive() {
  if (pool_->lost()) return false;
  const std::unique_lock lock(catalog_->mutex(), std::try_to_lock);
  if (!lock.owns_lock()) return true;  // somebody reads through it
  try {
    catalog_->query("SELECT count(*) FROM main.sqlite_master");
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<SourceLane> SqliteSnapshot::open_lane() {
  // Nobody commits while this snapshot's transactions hold their locks on a rollback journal: one more connection sees
  // the same. A WAL has moved on.
  const auto another = [&]() -> ConnectionPtr {
    ConnectionPtr connection = wal_ ? nullptr : sessions_->open_if_free();
    if (connection != nullptr) begin(*connection);
    return connection;
  };
  return std::make_unique<SqliteLane>(pool_->take(*catalog_, another), utf8_, pool_->give_back());
}

TableInfo SqliteSnapshot::describe(const TableRequest& request) {
  const std::lock_guard lock(catalog_->mutex());
  return odbc::describe(*catalog_, request);
}

std::vector<PartitionPlan> SqliteSnapshot::cut(const TableInfo& table, const PartitionRequest& request) {
  const std::lock_guard lock(catalog_->mutex());
  return cut_table(*catalog_, table, request);
}

// With a rollback journal every transaction that writes increments the change counter, and the read transactions of a
// snapshot keep writers out: the same file with the same counter, size and time has the same content.
bool SqliteSnapshot::unchanged(const TablePlan&, const PartitionPlan&, const std::string& old_id, std::int64_t) {
  return !wal_ && id_.starts_with("sqlite rollback ") && id_ == old_id;
}

}  // namespace pulk::odbc
