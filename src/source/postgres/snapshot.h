// The holder of one moment of a PostgreSQL server: a read-only transaction whose snapshot is exported, with ACCESS
// SHARE locks on all that was asked for. Taken by take_snapshot(), used by PostgresSource.
//
// Threads: safe from several; statements on the holder's connection run one at a time, alive() does not wait for them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "source/postgres/session.h"
#include "source/postgres/snapshot_id.h"
#include "source/source.h"

namespace pulk::postgres {

// Opens a lane that joins the exported snapshot of this name.
using LaneMaker = std::function<std::unique_ptr<SourceLane>(const std::string& exported)>;

class HeldSnapshot : public Snapshot {
 public:
  HeldSnapshot(std::shared_ptr<SessionFactory> sessions, Permits::Permit permit, std::unique_ptr<Session> holder,
               std::string exported, SnapshotId id, LaneMaker make_lane);

  std::string id() const override { return id_.to_text(); }
  ConsistencyLevel level() const override { return ConsistencyLevel::snapshot; }
  double age_seconds() const override;
  bool alive() override;
  std::unique_ptr<SourceLane> open_lane() override { return make_lane_(exported_); }
  TableInfo describe(const TableRequest& request) override;
  std::vector<PartitionPlan> cut(const TableInfo& table, const PartitionRequest& request) override;
  bool unchanged(const TablePlan& table, const PartitionPlan& partition, const std::string& old_id,
                 std::int64_t rows) override;

 private:
  std::shared_ptr<SessionFactory> sessions_;
  Permits::Permit permit_;
  std::unique_ptr<Session> holder_;
  std::mutex holder_mutex_;
  std::string exported_;
  SnapshotId id_;
  LaneMaker make_lane_;
  std::chrono::steady_clock::time_point taken_ = std::chrono::steady_clock::now();
};

std::unique_ptr<Snapshot> take_snapshot(const std::shared_ptr<SessionFactory>& sessions,
                                        const std::vector<TableRequest>& tables, const LaneMaker& make_lane);

// Reads the catalog for one table or query.
TableInfo describe_object(pg::Statements& connection, const TableRequest& request);

// Is the partition proven to be what it was in the snapshot `before`? Runs in the snapshot `now`.
bool prove_unchanged(pg::Statements& connection, const SnapshotId& now, const SnapshotId& before,
                     const TablePlan& table, const PartitionPlan& partition, std::int64_t rows);

}  // namespace pulk::postgres
