// The ledger: what runs were started, how their tables were cut, and how far each partition is. It is a cache of the
// marks in the target, and the plan; the target's marks decide (I2). Implementation: sqlite/.
// Threads: safe to call from several threads of one process. Every write checks that this process still owns the
// workspace and throws Error(retryable) when another one has taken it over.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/load_statement.h"
#include "catalog/staged_file.h"
#include "catalog/table_plan.h"

namespace pulk {

enum class RunState { running, finished, failed, abandoned };
enum class TableState { planned, frozen, published, failed };
enum class PartitionState { pending, staged, loaded };
std::string_view to_string(RunState state);
std::string_view to_string(TableState state);
std::string_view to_string(PartitionState state);

struct RunRecord {
  std::string id;
  std::string workflow;         // name
  std::string config;           // effective configuration as JSON, secrets left out; compared when resuming
  std::string target;           // where it goes, for people
  std::int64_t sample_rows = 0; // > 0: a trial
  RunState state = RunState::running;
  std::string started, finished;  // UTC
};

struct PartitionRecord {
  int ordinal = 0;
  std::string id;
  PartitionState state = PartitionState::pending;
  int attempt = 0;
  std::string snapshot;         // the moment that its rows are of
  std::int64_t rows_read = 0, rows_encoded = 0, rows_loaded = 0;  // the receipt (I1)
  std::int64_t bytes = 0;       // staged
  double extract_seconds = 0, load_seconds = 0;
  std::vector<LoadStatement> statements;  // that loaded it
  std::string error;
};

struct TableRecord {
  int ordinal = 0;
  TablePlan plan;
  TableState state = TableState::planned;
  std::string snapshot;
  std::string level;            // of I2, as reached
  std::int64_t source_count = -1;
  std::int64_t rows = 0;        // published
  std::string error;
  int error_class = 0;
  std::vector<LoadStatement> statements;  // that published it
  std::vector<PartitionRecord> partitions;
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  // --- runs
  // With the plans of its tables, in their order: a run is never seen with only some of them.
  virtual void create_run(const RunRecord& run, const std::vector<TablePlan>& plans = {}) = 0;
  // Throws Error(retryable) when another process has taken the workspace over.
  virtual void check_owned() = 0;
  virtual std::optional<RunRecord> find_run(const std::string& id) = 0;
  // The newest run of this workflow that is neither finished nor abandoned.
  virtual std::optional<RunRecord> unfinished_run(const std::string& workflow) = 0;
  virtual std::vector<RunRecord> runs() = 0;  // newest first
  virtual void set_run_state(const std::string& run, RunState state) = 0;

  // --- tables: the plan without partitions is stored with the run, with partitions when it is frozen
  virtual void freeze_table(const std::string& run, int ordinal, const TablePlan& plan) = 0;
  virtual std::vector<TableRecord> tables(const std::string& run) = 0;
  // Rows by the source's own count in the snapshot, -1 when nobody counted. Noted before the publishing commit, so that
  // the receipt has it whatever happens between that commit and its record.
  virtual void set_source_count(const std::string& run, int ordinal, std::int64_t rows) = 0;
  virtual void set_table_published(const std::string& run, int ordinal, const std::string& snapshot,
                                   const std::string& level, std::int64_t rows,
                                   const std::vector<LoadStatement>& statements = {}) = 0;
  virtual void set_table_failed(const std::string& run, int ordinal, const std::string& error, int error_class) = 0;

  // --- partitions
  // A new attempt: state pending, attempt + 1; returns the attempt.
  virtual int begin_attempt(const std::string& run, int table, int partition) = 0;
  virtual void set_partition_staged(const std::string& run, int table, const PartitionRecord& partition,
                                    const std::vector<StagedFile>& files) = 0;
  // Statements that are known already stay when the record names none: then it only says what the mark says.
  virtual void set_partition_loaded(const std::string& run, int table, const PartitionRecord& partition) = 0;
  virtual void set_partition_error(const std::string& run, int table, int partition, const std::string& error) = 0;
  virtual std::vector<StagedFile> files(const std::string& run, int table, int partition) = 0;
};

}  // namespace pulk
