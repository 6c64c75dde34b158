// One moment of a SQLite database, held by open read transactions.
//
// With a rollback journal, one open read transaction is a SHARED lock: no writer can commit, so that every connection
// sees the same content. In WAL mode each transaction has a moment of its own; all are opened together, and
// PRAGMA data_version of a connection without a transaction tells whether anybody committed in between: when nobody
// did, they all see one moment. When writers never pause long enough for that, the level is per_partition.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "source/odbc/lane_pool.h"
#include "source/odbc/sqlite_sessions.h"
#include "source/source.h"

namespace pulk::odbc {

class SqliteSnapshot : public Snapshot {
 public:
  SqliteSnapshot(std::shared_ptr<SqliteSessions> sessions, int parallel_lanes);
  ~SqliteSnapshot() override;

  std::string id() const override { return id_; }
  ConsistencyLevel level() const override { return level_; }
  double age_seconds() const override;
  bool alive() override;
  std::unique_ptr<SourceLane> open_lane() override;
  TableInfo describe(const TableRequest& request) override;
  std::vector<PartitionPlan> cut(const TableInfo& table, const PartitionRequest& request) override;
  bool unchanged(const TablePlan& table, const PartitionPlan& partition, const std::string& old_id,
                 std::int64_t rows) override;

 private:
  bool open_together();
  void end_all();
  void make_id();

  std::shared_ptr<SqliteSessions> sessions_;
  std::shared_ptr<Connection> catalog_;
  std::shared_ptr<LanePool> pool_;
  bool wal_ = false;
  bool utf8_ = true;
  std::string id_;
  ConsistencyLevel level_ = ConsistencyLevel::snapshot;
  std::chrono::steady_clock::time_point taken_;
};

}  // namespace pulk::odbc
