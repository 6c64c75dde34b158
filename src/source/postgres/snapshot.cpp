#include "source/postgres/snapshot.h"

#include "source/postgres/cut.h"

namespace pulk::postgres {

HeldSnapshot::HeldSnapshot(std::shared_ptr<SessionFactory> sessions, Permits::Permit permit,
                           std::unique_ptr<Session> holder, std::string exported, SnapshotId id,
                           LaneMaker make_lane)
    : sessions_(std::move(sessions)),
      permit_(std::move(permit)),
      holder_(std::move(holder)),
      exported_(std::move(exported)),
      id_(std::move(id)),
      make_lane_(std::move(make_lane)) {}

double HeldSnapshot::age_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - taken_).count();
}

bool HeldSnapshot::alive() {
  const std::unique_lock lock(holder_mutex_, std::try_to_lock);
  // While a statement runs in another thread its own result says whether the link holds.
  if (!lock.owns_lock()) return !holder_->connection().hung_up();
  return holder_->connection().alive();
}

TableInfo HeldSnapshot::describe(const TableRequest& request) {
  std::lock_guard lock(holder_mutex_);
  pg::Statements& connection = holder_->connection();
  return in_savepoint(connection, true, [&] { return describe_object(connection, request); });
}

std::vector<PartitionPlan> HeldSnapshot::cut(const TableInfo& table, const PartitionRequest& request) {
  std::lock_guard lock(holder_mutex_);
  pg::Statements& connection = holder_->connection();
  // The planner settings of the walk along an index go with the savepoint.
  return in_savepoint(connection, false, [&] { return cut_table(connection, table, request); });
}

bool HeldSnapshot::unchanged(const TablePlan& table, const PartitionPlan& partition, const std::string& old_id,
                             std::int64_t rows) {
  const auto before = SnapshotId::parse(old_id);
  if (!before) return false;
  std::lock_guard lock(holder_mutex_);
  pg::Statements& connection = holder_->connection();
  return in_savepoint(connection, true,
                      [&] { return prove_unchanged(connection, id_, *before, table, partition, rows); });
}

}  // namespace pulk::postgres
