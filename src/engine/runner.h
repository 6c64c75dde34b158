// Runs a workflow's tables: lanes extract partitions, the loader loads them, a table is published when all of its
// partitions are in and counted. Resumes what the marks in the target and the ledger say is unfinished (I2).
//
// Threads: run() is called once and blocks; `lanes` threads read the source, one thread loads, one admits tables.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/workflow.h"
#include "engine/encoding.h"
#include "engine/planner.h"
#include "engine/progress.h"
#include "source/source.h"
#include "state/state_store.h"
#include "warehouse/warehouse.h"

namespace pulk {

class CancelToken;
class SnapshotKeeper;

struct RunnerOptions {
  int lanes = 2;
  int retries = 4;                              // of a partition, after the first attempt
  bool stop_on_failure = false;
  bool append = false;
  bool verify_count = true;                     // where the source has a snapshot
  std::int64_t sample_rows = 0;                 // > 0: a trial
  std::int64_t lane_memory = 384LL << 20;       // shared by all lanes (I3)
  std::int64_t warehouse_memory = 128LL << 20;
  std::int64_t max_cell_bytes = 256LL << 20;
  std::int64_t spool_limit = 16LL << 30;        // staged and not yet loaded
  std::string spool;                            // folder for files of targets that have no place of their own
  std::chrono::milliseconds target_lock_wait{60'000};
  EncodeOptions encode;
};

// One table of the workflow as it enters the run.
struct RunTable {
  int ordinal = 0;                              // in the ledger
  TableConfig config;
  TableRequest request;
  TablePlan plan;                               // with partitions when it was frozen by an earlier process
  bool frozen = false;
  bool published = false;                       // by an earlier process: nothing is left to do
  std::int64_t source_count = -1;               // that an earlier process noted before it published
  std::vector<PartitionRecord> receipts;        // of a frozen table
};

struct TableOutcome {
  std::string label, target;
  bool ok = false;
  std::optional<Error> error;
  std::string level, snapshot;
  std::int64_t rows = 0, bytes = 0, source_count = -1;
  int partitions = 0, kept = 0, read_again = 0, retries = 0;
  std::vector<std::string> notes;               // of the warehouse: "made without its primary key ..."
  bool earlier = false;                         // was finished before this process started
  double plan_seconds = 0, extract_seconds = 0, load_seconds = 0, publish_seconds = 0;  // summed over lanes
  double warehouse_seconds = 0;                 // that statements took which moved rows, where the warehouse tells them
  double wall_seconds = 0;
};

struct RunOutcome {
  std::vector<TableOutcome> tables;
  bool interrupted = false;
  double wall_seconds = 0;
};

RunOutcome run_tables(Source& source, SnapshotKeeper& snapshots, Warehouse& warehouse, StateStore& store,
                      const RunIdentity& who, std::vector<RunTable> tables, const RunnerOptions& options,
                      CancelToken& cancel, Progress& progress);

}  // namespace pulk
