// One connection that reads partitions in an exported snapshot. Belongs to one thread; cancel() is safe from any.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "source/postgres/session.h"
#include "source/source.h"

namespace pulk::postgres {

class Lane : public SourceLane {
 public:
  // `exported` is what pg_export_snapshot gave; its holder must live as long as the lane opens sessions.
  Lane(std::shared_ptr<LibpqSessions> sessions, std::string exported);
  ~Lane() override;

  std::unique_ptr<BatchReader> read(const TablePlan& table, const PartitionPlan& partition,
                                    const ReadLimits& limits) override;
  std::int64_t count(const TablePlan& table) override;
  void cancel() override;

 private:
  friend class PartitionReader;
  void join_snapshot();
  pg::Connection& connection();
  void drop_session();

  std::shared_ptr<LibpqSessions> sessions_;
  std::string exported_;
  Permits::Permit permit_;
  std::unique_ptr<LibpqSession> session_;
  std::mutex canceller_mutex_;
  std::shared_ptr<pg::Canceller> canceller_;
};

}  // namespace pulk::postgres
