// One moment of a database server, held by open transactions: the catalog's and one for each lane. Where the server tells
// what its transactions see, they are opened together until all see the same; where it does not, one lane alone has the
// level `snapshot`, several have `per_partition`.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "source/odbc/lane_pool.h"
#include "source/odbc/server_sessions.h"

namespace pulk::odbc {

class ServerSnapshot : public Snapshot {
 public:
  ServerSnapshot(std::shared_ptr<ServerSessions> sessions, const std::vector<TableRequest>& tables, int parallel_lanes);
  ~ServerSnapshot() override;

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
  void open_locked();
  void end_all();
  std::vector<ServerObject> look_up(const std::vector<TableRequest>& tables);
  bool hold();

  std::shared_ptr<ServerSessions> sessions_;
  std::shared_ptr<Connection> catalog_;
  std::vector<ServerObject> tables_;  // that are there; what is wrong with others is said where they are described
  std::shared_ptr<LanePool> pool_;
  std::string id_;
  std::optional<std::string> moment_;  // of the catalog's transaction; empty when the server tells none
  bool provable_ = false;  // the id says what is seen
  ConsistencyLevel level_ = ConsistencyLevel::snapshot;
  std::chrono::steady_clock::time_point taken_;
};

// The fingerprint of the columns as find() gives them.
TableInfo describe(Connection& connection, const ServerDialect& dialect, const TableRequest& request);

}  // namespace pulk::odbc
