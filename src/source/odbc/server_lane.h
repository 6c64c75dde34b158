// One connection to a server that reads partitions. Belongs to one thread; cancel() is safe from any.
#pragma once

#include <functional>
#include <memory>

#include "source/odbc/server_sessions.h"

namespace pulk::odbc {

class ServerLane : public SourceLane {
 public:
  // `connection` stands in the snapshot's transaction.
  ServerLane(std::shared_ptr<ServerSessions> sessions, std::shared_ptr<Connection> connection,
             std::function<void(std::shared_ptr<Connection>)> give_back);
  ~ServerLane() override;

  std::unique_ptr<BatchReader> read(const TablePlan& table, const PartitionPlan& partition,
                                    const ReadLimits& limits) override;
  std::int64_t count(const TablePlan& table) override;
  void cancel() override { connection_->interrupt(); }

 private:
  std::shared_ptr<ServerSessions> sessions_;
  std::shared_ptr<Connection> connection_;
  std::function<void(std::shared_ptr<Connection>)> give_back_;
};

}  // namespace pulk::odbc
