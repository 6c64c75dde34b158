// `pulk validate` without its flags and its display, and the comparison that `migrate --validate` makes: source against
// target, table by table, within one snapshot of the source.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/progress.h"
#include "orchestrator/options.h"
#include "orchestrator/prepare.h"
#include "validation/compare_table.h"

namespace pulk {

class CancelToken;
class StateStore;

struct ValidateOptions {
  MigrateOptions run;                            // the files, names, lanes and memory of it
  bool counts_only = false;
  std::size_t most_named = 10;                   // differing rows per table
};

// Which run brought a table's rows, and of which moment of the source they are. Empty fields: not known.
struct LoadedBy {
  std::string run, snapshot, started;
};

struct TableValidation {
  std::string label, target;
  std::optional<Error> error;                    // it could not be compared
  TableComparison comparison;
  std::vector<std::string> partitions;           // of the source, for people; by ordinal - 1
  std::string snapshot, level;                   // in which the source was compared
  std::string source_moment, target_moment;      // when that snapshot was taken, when the target was read; UTC
  LoadedBy loaded;
  bool same_snapshot = false;                    // the rows were loaded from the snapshot that they are compared in
  double seconds = 0;

  bool differs() const { return !error && !comparison.equal(); }
};

struct ValidateResult {
  std::string workflow, source, target;
  bool counts_only = false;
  bool after_migrate = false;
  bool interrupted = false;
  std::vector<TableValidation> tables;
  double wall_seconds = 0;
};

// Throws Error when nothing could be compared; what is wrong with single tables is in the result.
ValidateResult validate(const ValidateOptions& options, CancelToken& cancel, Progress& progress);

// Compares these tables in the keeper's snapshot. `loaded` is by target, as QualifiedName::display() writes it.
ValidateResult validate_tables(const Ends& ends, const std::vector<TableConfig>& tables, SnapshotKeeper& snapshots,
                               const std::map<std::string, LoadedBy>& loaded, const ValidateOptions& options,
                               CancelToken& cancel, Progress& progress);

// 3 when a table differs, else the gravest class of what could not be compared, else 0.
int exit_class(const ValidateResult& result);

}  // namespace pulk
