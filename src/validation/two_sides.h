// Reads both sides of a table once: source partitions by lanes, the target by the calling thread, at the same time unless
// some row is very wide. Used by
// compare_table.cpp.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "engine/progress.h"
#include "engine/wide_gate.h"
#include "source/source.h"
#include "validation/digest.h"
#include "validation/row_diff.h"
#include "warehouse/warehouse.h"

namespace pulk {

class CancelToken;

class TwoSides {
 public:
  struct Ends {
    const TablePlan& plan;
    Snapshot& snapshot;
    WarehouseSession& session;
    std::vector<DeployedColumn> target_columns;  // in the plan's order
    int lanes = 1;
    std::int64_t max_cell_bytes = 0;
  };
  TwoSides(Ends ends, CancelToken& cancel, Progress& progress);

  // `take` gets every batch with the number of its reader, which is one thread: 0 is the target's, 1 .. lanes() the
  // source's; `partition` is the source's ordinal. `last`, when given, is called once with a free lane.
  using Take = std::function<void(std::size_t reader, int partition, const arrow::RecordBatch& batch)>;
  void read(const Take& take, const std::function<void(SourceLane&)>& last = nullptr);
  std::size_t lanes() const { return lanes_; }

 private:
  void source_main(std::size_t reader, const Take& take, const std::function<void(SourceLane&)>& last);
  void target_main(TargetReader& rows, const Take& take);
  void fail();
  void check() const;

  const Ends ends_;
  CancelToken& cancel_;
  Progress& progress_;
  std::size_t lanes_;
  WideGate gate_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
  std::set<SourceLane*> running_;
};

}  // namespace pulk
