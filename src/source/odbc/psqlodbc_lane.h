// One connection of psqlODBC that reads partitions in an exported snapshot. Belongs to one thread; cancel() is safe
// from any.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "source/odbc/psqlodbc_session.h"
#include "source/source.h"

namespace pulk::odbc {

class PsqlodbcLane : public SourceLane {
 public:
  // `exported` is what pg_export_snapshot gave; its holder must live as long as the lane opens sessions.
  PsqlodbcLane(std::shared_ptr<PsqlodbcSessions> sessions, std::string exported);

  std::unique_ptr<BatchReader> read(const TablePlan& table, const PartitionPlan& partition,
                                    const ReadLimits& limits) override;
  std::int64_t count(const TablePlan& table) override;
  void cancel() override;

 private:
  void join();
  PsqlodbcStatements& connection();
  void drop_session();

  std::shared_ptr<PsqlodbcSessions> sessions_;
  std::string exported_;
  postgres::Permits::Permit permit_;
  std::mutex session_mutex_;  // cancel() against renewal
  std::unique_ptr<PsqlodbcSession> session_;
};

}  // namespace pulk::odbc
