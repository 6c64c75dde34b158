// How run_tables() works inside; included by the files that define its parts and by no others:
//   runner.cpp      the whole run, and a table from its first task to its end
//   admission.cpp   a table is planned, leased, and brought in line with its marks
//   lanes.cpp       reading: what the threads of the lanes do
//   loading.cpp     loading and publishing: what the loader's threads do
// Threads: the caller's (admission), one per lane, the loader's. `mutex_` guards the state of tables.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/strings.h"
#include "engine/extract.h"
#include "engine/loader.h"
#include "engine/memory_budget.h"
#include "engine/runner.h"
#include "engine/snapshot_keeper.h"
#include "engine/table_run.h"
#include "engine/task_queue.h"
#include "engine/wide_gate.h"

namespace pulk {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A mark whose partition was kept because the user says that the source is quiet carries that with its snapshot, so that
// no later process takes it for proven.
inline constexpr std::string_view kAsserted = "user-asserted ";

inline std::string moment_text(const std::string& snapshot, bool asserted) {
  return asserted ? std::string(kAsserted) + snapshot : snapshot;
}

inline std::string moment_of(const std::string& text) {
  return text.starts_with(kAsserted) ? text.substr(kAsserted.size()) : text;
}

inline std::string rows_text(std::int64_t n) { return plural(n, "row"); }

// After a lost fence, trying again would mean to fence the successor out.
inline bool may_retry(const Error& error) { return error.kind() == ErrorKind::retryable && !error.is_final(); }

class Runner {
 public:
  Runner(Source& source, SnapshotKeeper& snapshots, Warehouse& warehouse, StateStore& store, const RunIdentity& who,
         const RunnerOptions& options, CancelToken& cancel, Progress& progress)
      : source_(source), snapshots_(snapshots), warehouse_(warehouse), store_(store), who_(who), options_(options),
        cancel_(cancel), progress_(progress), budget_(options.lane_memory) {}

  RunOutcome run(std::vector<RunTable> tables);

 private:
  // --- admission (the thread of run())
  void admit(TableRun& t);
  std::vector<Task> reconcile(TableRun& t, const std::vector<Mark>& marks, const std::string& snapshot);
  void sweep_stage(TableRun& t, const std::vector<Mark>& marks);

  // --- lanes
  void lane_main();
  struct Lane {
    std::shared_ptr<Snapshot> snapshot;
    std::unique_ptr<SourceLane> connection;
  };
  void with_lane(Lane& lane, TableRun& t, const std::string& what, const std::function<void()>& work);
  void wait_for_spool();
  void record_error(const Task& task, const Error& error);
  void extract_task(Lane& lane, const Task& task);
  void check_task(Lane& lane, const Task& task);
  void count_task(Lane& lane, const Task& task);

  // --- loading (threads of the loader)
  struct Load {
    TableRun* table = nullptr;
    int partition = 0;
    PartitionLoad load;
    Extracted extracted;
    std::int64_t waiting = 0;  // its share of spooled_
    int tries = 0;
    std::vector<LoadStatement> statements;  // of the last try
  };
  void submit_load(std::shared_ptr<Load> load);
  // Takes the table again; the rows of the partition when this very attempt is committed.
  std::optional<std::int64_t> rows_loaded(const Load& load, WarehouseSession& session);
  void do_load(Load& load, WarehouseSession& session);
  void no_longer_waiting(Load& load);
  void drop_staged(Load& load);
  void loaded(Load& load, std::int64_t rows, double seconds);
  // What was found out about a loaded partition of an earlier snapshot.
  struct Verdict {
    TableRun* table = nullptr;
    int partition = 0;
    bool same = false;      // proven; else the user says so
    bool kept = false;      // or to be read again
    bool unproven = false;  // now, or at an earlier snapshot
    std::string snapshot;   // in which it was looked at
    int tries = 0;
  };
  void submit_verdict(const std::shared_ptr<Verdict>& verdict);
  void do_verdict(const Verdict& verdict, WarehouseSession& session);
  void submit_publish(TableRun& t, int tries);
  void do_publish(TableRun& t, WarehouseSession& session, bool look_first);
  void published(TableRun& t, WarehouseSession& session, std::int64_t rows);
  void clean_again(TableRun& t);

  // --- the life of a table; these take the mutex
  void add_tasks(TableRun& t, const std::vector<Task>& tasks, bool first = false);
  void task_done(TableRun& t);
  void task_failed(TableRun& t, const Error& error);
  void settle(TableRun& t, std::unique_lock<std::mutex>& lock);
  void close_table(TableRun& t, std::unique_lock<std::mutex>& lock);
  std::vector<Mark> take(TableRun& t, WarehouseSession& session);
  std::string where(const TableRun& t, int partition) const {
    return fmt::format("{}: partition {}/{}", t.plan().label, partition + 1, t.plan().partitions.size());
  }
  bool backoff(int tries);  // false: cancelled meanwhile

  Source& source_;
  SnapshotKeeper& snapshots_;
  Warehouse& warehouse_;
  StateStore& store_;
  const RunIdentity who_;
  const RunnerOptions options_;
  CancelToken& cancel_;
  Progress& progress_;
  MemoryBudget budget_;
  WideGate gate_;
  TaskQueue queue_;
  std::unique_ptr<Loader> loader_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int open_tables_ = 0;
  std::int64_t spooled_ = 0;  // bytes staged and not yet loaded
  std::atomic<bool> stopped_by_failure_{false};
};

}  // namespace pulk
