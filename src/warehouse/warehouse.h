// A target that tables are loaded into, exactly once. The marks in the target are the truth (DESIGN: mark protocol);
// the ledger is a cache of them. Implementations: duckdb/, files/, snowflake/.
//
// Marks live beside the data: table `mark` has one row per (run, table, partition) with fence, state, snapshot, rows
// and attempt, and one row with partition "" per (run, table), the publish mark; table `lease` has one row per target
// table that a run is working on.
//
// Threads: a Warehouse may be used from any thread; a WarehouseSession by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/load_statement.h"
#include "catalog/table_plan.h"
#include "stage/stage.h"
#include "warehouse/stored_type.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
}  // namespace arrow

namespace pulk {

class CancelToken;

enum class MarkState { pending, loaded, published };
std::string_view to_string(MarkState state);

struct Mark {
  std::string partition;        // partition id; "" for the publish mark
  std::int64_t fence = 0;
  MarkState state = MarkState::pending;
  std::string snapshot;
  std::int64_t rows = 0;
  int attempt = 0;
};

// Who works on a table. `owner` says it for people: "host pid 123 workspace /x/.pulk".
struct RunIdentity {
  std::string run;              // run id
  std::string owner;
  std::string workflow = {};  // for people who look at the target's query history
};

// A table as it stands in the target.
struct DeployedColumn {
  std::string name;
  std::string type;             // as the target writes it
  bool nullable = true;
  bool has_default = false;     // fills itself when a load does not name it
};
struct DeployedTable {
  std::vector<DeployedColumn> columns;
  std::vector<std::string> primary_key;
  std::int64_t rows = -1;       // -1: not looked at
};

struct TypeChoice {
  std::string target_type;      // DDL; empty: refused
  Carrier carrier;
  std::string load_expression;  // over the file column, quoted by the choice itself; "" for targets without SQL
  std::string refusal;
  std::string hint;
  std::string note;
  // What the type holds, in the carrier's unit (days, microseconds): other values are refused by name when they are
  // read.
  std::optional<std::int64_t> least, most;
};

struct PartitionLoad {
  int ordinal = 0;
  std::string partition;        // id
  std::int64_t fence = 0;
  int attempt = 1;
  std::string snapshot;
  std::int64_t rows = 0;        // rows encoded: what must arrive (I1)
  std::int64_t widest_row = 0;  // bytes
  std::vector<StagedFile> files;
};

struct LoadResult {
  std::int64_t rows = 0;
};

enum class PublishMode { replace, append };

// The rows of a table as they stand in the target. Belongs to its session, which does nothing else meanwhile.
class TargetReader {
 public:
  virtual ~TargetReader() = default;
  // The next batch, columns in the order that they were asked for; nullptr after the last.
  virtual std::shared_ptr<arrow::RecordBatch> next() = 0;
  // Some row is so wide that no other one should be in memory while these are read.
  virtual bool wide() const = 0;
};

// One opened target. For embedded targets it holds the file lock: open, do a batch of work, close.
class WarehouseSession {
 public:
  virtual ~WarehouseSession() = default;

  virtual std::optional<DeployedTable> describe(const QualifiedName& table) = 0;

  // Reads a table back, for validation. Arrow types are the target's own, not the carriers; a moment may be a number of
  // nanoseconds. `columns` are some of
  // describe()'s; the pool outlives the batches. Throws Error(integrity) when what is stored cannot be read.
  virtual std::unique_ptr<TargetReader> read(const QualifiedName& table, const std::vector<DeployedColumn>& columns,
                                             arrow::MemoryPool* pool) = 0;

  // Takes the target table for this run: one transaction writes the lease, the staging table and pending marks for
  // all partitions that have none, sets fence = fence + 1 on every mark of the run's table, and returns all marks
  // (fence, then look). Throws Error(retryable) naming the other run and its owner when another run holds the lease.
  // Does nothing but look when the publish mark already says `published`.
  virtual std::vector<Mark> take(const RunIdentity& who, const TablePlan& plan) = 0;

  // Makes a loaded partition pending again, to be read anew; its old rows go when it is loaded again.
  virtual void reset(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                     std::int64_t fence) = 0;
  // Notes that a loaded partition is proven to be also the content of `snapshot`.
  virtual void restamp(const RunIdentity& who, const TablePlan& plan, const std::string& partition,
                       std::int64_t fence, const std::string& snapshot) = 0;

  // One transaction: insert the files' rows into staging, check their number, set the mark (`WHERE fence = n AND state
  // = pending`; not exactly one row: roll back), commit. Rows that an earlier attempt left there for this partition go
  // in the same transaction, or before it in one that commits only while the mark is pending and has this fence. Throws
  // Error(integrity) when the count differs, Error(retryable) "fence lost" when the mark did not move. After an Error
  // the session must be thrown away.
  virtual LoadResult load(const RunIdentity& who, const TablePlan& plan, const Stage& stage,
                          const PartitionLoad& load) = 0;

  // One transaction: every partition's mark is `loaded` (else Error(internal); the caller has seen to it that they are
  // of one snapshot); the target's content becomes staging's; the publish mark; the lease is released. Returns rows in
  // the target that came from staging.
  virtual std::int64_t publish(const RunIdentity& who, const TablePlan& plan, PublishMode mode, std::int64_t fence) = 0;

  // Ends what a dead process of this run may have left open in the target and locked. For those only who have the run:
  // it would end the work of a living process too.
  virtual void end_left_open(const RunIdentity& /*who*/) {}

  // Removes staging, marks and lease of a run's table that is published or abandoned. Idempotent. Publish marks stay
  // unless `forget` is set.
  virtual void clean(const RunIdentity& who, const QualifiedName& target, bool forget) = 0;

  // What runs left in this target, for `clean` and `status`.
  struct Leftover {
    std::string run;
    QualifiedName target;
    std::string what;           // "staging table x (120 rows)", "lease of host pid 12", "marks"
    std::string owner;          // who holds the lease, "" when there is none
  };
  virtual std::vector<Leftover> leftovers() = 0;

  // Who is logged in where, for the doctor; "" for embedded targets.
  virtual std::string about() { return {}; }

  // The statements by which the last load() or publish() moved rows; none for targets that keep no history of them.
  virtual std::vector<LoadStatement> statements() const { return {}; }

  // What the summary should say about what this session did ("created without its primary key ..."); may be empty.
  virtual std::vector<std::string> notes() const { return {}; }
};

class Warehouse {
 public:
  virtual ~Warehouse() = default;
  virtual std::string kind() const = 0;      // "duckdb", "files", "snowflake"
  virtual std::string location() const = 0;  // path, for people
  virtual NameRule name_rule() const = 0;

  // The target's type for a logical type. `mapped` is the user's columnTypeMappings target ("" = none), in the
  // target's own spelling; a mapping that cannot be exact for every value is refused. `deployed` is the type of a
  // column that already stands in the target ("" = none): its type is taken when every value fits, else refused.
  virtual TypeChoice choose_type(const LogicalType& logical, const std::string& column, const std::string& mapped,
                                 const std::string& deployed) const = 0;

  // What the values of a column of this type mean, as the target writes the type; nothing when it is none that rows
  // can be compared in.
  virtual std::optional<StoredType> stored_type(const std::string& type) const = 0;

  // Exact target name parts for what was written; missing parts get the target's defaults.
  virtual QualifiedName resolve(const WrittenName& database, const WrittenName& schema,
                                const WrittenName& table) const = 0;
  // Exact column name to create for a source column without mapping, or for a mapped name.
  virtual std::string column_name(const WrittenName& name) const = 0;
  // Two column names that the target cannot tell apart ("a" and "A" in DuckDB).
  virtual bool same_column(const std::string& a, const std::string& b) const = 0;

  // Is there a target of pulk's to open at this place?
  virtual bool exists() const = 0;
  // Throws Error(usage) when the target does not exist and could not be made where it is meant to be, and what is wrong
  // with the place where files wait.
  virtual void check_location() const = 0;

  // Where the files of one table of one run wait. `spool` is a folder of pulk's own for targets that have no place.
  virtual std::unique_ptr<Stage> stage(const std::string& run, const TablePlan& plan, const std::string& spool) = 0;

  // How many sessions may load partitions side by side. Work on one table that moves its fences is never beside other
  // work on it.
  virtual int load_sessions() const { return 1; }

  // How long a session may stay open with nothing to do. Others may be waiting for an embedded target's lock; a login
  // to a service is dear.
  virtual std::chrono::milliseconds patience() const { return std::chrono::milliseconds(150); }

  // What an open file costs on such a stage, beside what is encoded (I3).
  virtual std::int64_t open_file_memory() const { return 0; }

  // What the doctor looks at where files wait, one after the other; the first that throws ends them. A look gives what
  // it found, and perhaps advice. Empty for targets whose files wait on this machine.
  struct StageLook {
    struct Found {
      std::string detail, advice;
    };
    std::string name;
    std::function<Found()> look;
  };
  virtual std::vector<StageLook> stage_looks() { return {}; }

  // The files of a load that failed stay for people to look at, until the next start reads the partition again.
  virtual bool keeps_failed_files() const { return false; }

  // Staged files larger than this cost memory that nobody has counted (I3).
  virtual std::int64_t largest_file() const { return std::numeric_limits<std::int64_t>::max(); }
  // Size of the first files of a partition, when several are loaded at a time; 0: it makes no difference.
  virtual std::int64_t first_file() const { return 0; }

  // Opens the target; waits until the deadline for another process's lock, then throws Error(retryable) that names
  // it by pid. `memory` = bytes the session may use (I3). create = false: Error(usage) when it does not exist.
  virtual std::unique_ptr<WarehouseSession> open(std::chrono::milliseconds wait, std::int64_t memory, bool create,
                                                 CancelToken* cancel) = 0;
};

}  // namespace pulk
