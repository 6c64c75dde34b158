// A database that tables are read from. Implementations: postgres/, odbc/. A Source object stands for one configured
// connection; it opens database connections as it needs them, never more than `max_connections` at once (I7).
//
// Threads: Source and Snapshot are safe to call from several threads at once. A SourceLane belongs to one thread,
// only its cancel() may be called from another.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/identifier.h"
#include "catalog/table_plan.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
}  // namespace arrow

namespace pulk {

// How strong "exactly once" can be (I2): named in plan, summary and receipts.
enum class ConsistencyLevel { snapshot, per_partition, user_asserted };
std::string_view to_string(ConsistencyLevel level);

struct SourceColumn {
  std::string name;             // exact
  std::string native_type;      // "numeric(10,2)", as the source's own catalog writes it
  std::string bare_type;        // "numeric": what columnTypeMappings may name without arguments
  std::vector<std::string> type_aliases;  // other bare names of the type that people write: "decimal"
  bool nullable = true;
  std::optional<LogicalType> logical;  // empty: pulk has no rule for this type
  std::string refusal;          // why not, when `logical` is empty
  bool readable_as_text = true; // a mapping to a text type can carry it all the same
  std::string note;
};

enum class ObjectKind { table, partitioned_table, view, query };

struct TableInfo {
  SourceObject object;          // with exact names
  ObjectKind kind = ObjectKind::table;
  std::vector<SourceColumn> columns;
  std::vector<std::string> primary_key;  // column names, empty when none
  std::int64_t rows_estimate = -1;       // -1: unknown
  std::int64_t bytes_estimate = -1;      // data with its out-of-line part, without indexes
  bool physical_ranges = false;          // the server can seek page ranges
  std::string fingerprint;               // hash over names, types and order of the columns
  std::vector<std::string> notes;        // for the plan: row security, foreign table, ...
};

struct TableRequest {
  WrittenName database, schema, table;   // table empty when query is set
  std::string query;
  std::string filter;
};

// What the server is, for `plan` and `doctor`.
struct SourceFacts {
  std::string product;          // "PostgreSQL 15.18"
  std::string identity;         // stable id of the server's data (PostgreSQL: system identifier/database), for receipts
  ConsistencyLevel level = ConsistencyLevel::snapshot;  // with several connections
  std::string level_reason;     // why not `snapshot`
  std::vector<std::string> notes;  // standby, pooler, password over a plain link ...
};

// How a table is to be cut. Exactly one of the targets is set; `auto` has been resolved by the planner.
struct PartitionRequest {
  std::vector<std::string> key;          // exact column names; empty: no key ranges
  bool physical = false;                 // page ranges
  std::int64_t pieces = 1;               // wanted number of range partitions
  std::int64_t max_rows = 0;             // >0: no partition above this many rows, where the source can promise it
};

// A row above this size is let through the process alone: several copies of it exist on its way (I3).
inline constexpr std::int64_t kWideRow = 16 << 20;

// Limits for one read (I3).
struct ReadLimits {
  std::int64_t batch_bytes = 4 << 20;    // a batch ends at the first row that passes this
  std::int64_t batch_rows = 64 * 1024;   // or at this many rows
  std::int64_t max_cell_bytes = 256LL << 20;
  std::int64_t max_rows = -1;            // stop after this many rows of the partition (a trial); -1: all
  arrow::MemoryPool* pool = nullptr;     // never null when reading; outlives the batches
  // Called when a row above kWideRow has arrived, before it is copied; it may block until other wide rows are out of
  // the way. The row ends its batch.
  std::function<void()> before_wide_row;
};

// The rows of one partition as they arrive. Belongs to its lane.
class BatchReader {
 public:
  virtual ~BatchReader() = default;
  // The next batch, in the schema arrow_schema(plan.columns); nullptr after the last. Throws Error: refused for a
  // value without an exact carrier (names table, column, value and, when known, the key), retryable for a lost link.
  virtual std::shared_ptr<arrow::RecordBatch> next() = 0;
  // Size in bytes of the widest row so far, for the loader's memory.
  virtual std::int64_t widest_row() const = 0;
};

// One connection, one thread.
class SourceLane {
 public:
  virtual ~SourceLane() = default;
  virtual std::unique_ptr<BatchReader> read(const TablePlan& table, const PartitionPlan& partition,
                                            const ReadLimits& limits) = 0;
  // Exact number of rows of the table (filter applied) in this lane's snapshot.
  virtual std::int64_t count(const TablePlan& table) = 0;
  // Asks the server to stop the running statement. Safe from any thread; does nothing when none runs.
  virtual void cancel() = 0;
};

// One named moment of the source. As long as it lives, lanes opened from it see that moment (level `snapshot`), and
// the tables named when it was taken can neither be dropped, truncated nor altered where the source can hold them.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual std::string id() const = 0;              // goes into receipts and marks; comparable by unchanged()
  virtual ConsistencyLevel level() const = 0;
  virtual double age_seconds() const = 0;
  // False when the holder's connection is gone: lanes can no longer join it.
  virtual bool alive() = 0;
  virtual std::unique_ptr<SourceLane> open_lane() = 0;

  // Reads the catalog in this snapshot.
  virtual TableInfo describe(const TableRequest& request) = 0;
  // Boundaries found without sorting the table. Returns partitions with predicate, display and estimates; ordinals
  // and ids are set by the planner. Together the predicates cover every row, each exactly once.
  virtual std::vector<PartitionPlan> cut(const TableInfo& table, const PartitionRequest& request) = 0;

  // Is the content of the partition in this snapshot proven equal to what it was in the snapshot `old_id`, when it had
  // `rows` rows? False also when it cannot be proven.
  virtual bool unchanged(const TablePlan& table, const PartitionPlan& partition, const std::string& old_id,
                         std::int64_t rows) = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual NameRule name_rule() const = 0;
  // Connects, logs in, looks at the server. Throws Error(retryable) when it cannot be reached, Error(refused) when it
  // refuses the login.
  virtual SourceFacts facts() = 0;
  // Tables that match `written` parts are protected and seen at one moment. `parallel_lanes` = lanes that will be
  // opened; some sources can only give `snapshot` to one lane.
  virtual std::unique_ptr<Snapshot> snapshot(const std::vector<TableRequest>& tables, int parallel_lanes) = 0;
  // Tables of a schema for `init` and messages ("did you mean"): exact names.
  virtual std::vector<QualifiedName> list_tables(const WrittenName& schema) = 0;
};

}  // namespace pulk
