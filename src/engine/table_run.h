// The state of one table while it runs. Guarded by the runner's mutex, but for what is said to be constant after
// admission.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/runner.h"

namespace pulk {

struct PartitionRun {
  bool loaded = false;
  std::string snapshot;                         // the moment that its rows are of
  bool asserted = false;                        // nobody proved that: the user says so
  std::int64_t rows = 0;
};

struct TableRun {
  RunTable table;                               // constant after admission
  EncodeOptions encode;                         // constant after admission
  std::int64_t lane_cost = 0;                   // constant after admission
  std::unique_ptr<Stage> stage;                 // constant after admission

  std::vector<PartitionRun> partitions;         // by ordinal - 1
  std::map<std::string, std::int64_t> fences;   // by partition id; "" is the publish mark
  int open_tasks = 0;
  int rounds = 0;                               // how often it was settled with more than one snapshot in it
  bool closed = false;                          // outcome is final
  struct Count {
    std::string snapshot;
    std::int64_t rows = 0;
  };
  std::optional<Count> count;
  std::vector<LoadStatement> publishing;        // of the last try; only the loader's thread that has the table alone
  TableOutcome outcome;
  std::chrono::steady_clock::time_point started;

  const TablePlan& plan() const { return table.plan; }
};

enum class TaskKind { extract, check, count };

struct Task {
  TaskKind kind = TaskKind::extract;
  TableRun* table = nullptr;
  int partition = 0;                            // index, not ordinal; unused by count
};

}  // namespace pulk
