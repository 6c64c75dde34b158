// One connection that reads partitions. Belongs to one thread; cancel() is safe from any.
#pragma once

#include <functional>
#include <memory>

#include "source/odbc/handle.h"
#include "source/source.h"

namespace pulk::odbc {

class SqliteLane : public SourceLane {
 public:
  // `connection` stands in the snapshot's transaction; utf8: the encoding of the database.
  SqliteLane(std::shared_ptr<Connection> connection, bool utf8, std::function<void(std::shared_ptr<Connection>)> give_back);
  ~SqliteLane() override;

  std::unique_ptr<BatchReader> read(const TablePlan& table, const PartitionPlan& partition,
                                    const ReadLimits& limits) override;
  std::int64_t count(const TablePlan& table) override;
  void cancel() override;

 private:
  std::shared_ptr<Connection> connection_;
  const bool utf8_;
  std::function<void(std::shared_ptr<Connection>)> give_back_;
};

// Throws Error(drift) when the columns are not the planned ones.
void check_drift(Connection& connection, const TablePlan& table);

}  // namespace pulk::odbc
