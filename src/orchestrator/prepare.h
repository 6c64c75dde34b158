// From files to plans: loads the workflow and the connections, opens source and target, and plans every table. Nothing
// is stored and nothing is changed on either side; every problem of every table is found before any work starts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/connections.h"
#include "config/workflow.h"
#include "engine/planner.h"
#include "engine/snapshot_keeper.h"
#include "orchestrator/options.h"
#include "source/source.h"
#include "warehouse/warehouse.h"

namespace pulk {

class CancelToken;

// The two ends of a migration and how much of the machine it may use.
struct Ends {
  Workflow workflow;
  std::string source_name, target_name;          // of the connections
  std::unique_ptr<Source> source;
  std::unique_ptr<Warehouse> warehouse;
  int lanes = 1;
  int max_connections = 3;
};

// Throws Error(usage) with all problems of both files.
Ends open_ends(const MigrateOptions& options, CancelToken& cancel);

// Only one side, for commands that need no other. `lanes` will read at the same time.
std::unique_ptr<Source> open_source(const std::string& connections_file, const std::string& name, CancelToken& cancel,
                                    int lanes = 1);
std::unique_ptr<Warehouse> open_target(const std::string& connections_file, const std::string& name,
                                       CancelToken& cancel);

struct PreparedTable {
  TableConfig config;
  TableRequest request;
  TableInfo info;
  std::int64_t deployed_rows = 0;                // in the target now
  TablePlan plan;                                // columns; partitions when they were asked for
};

struct Prepared {
  SourceFacts facts;
  ConsistencyLevel level = ConsistencyLevel::snapshot;
  std::vector<PreparedTable> tables;
  std::vector<Finding> findings;
};

// The tables of the workflow that `only` selects, with what the source needs to find them. Throws for unknown labels.
std::vector<TableConfig> selected_tables(const Workflow& workflow, const std::vector<std::string>& only);
std::vector<TableRequest> requests_of(const std::vector<TableConfig>& tables);

// Plans one table within a snapshot, for a target that has it as `deployed` says. Adds to `findings` what stands in its
// way; throws what the source refuses.
PreparedTable prepare_table(const Ends& ends, const TableConfig& config, Snapshot& snapshot,
                            const std::optional<DeployedTable>& deployed, std::vector<Finding>& findings,
                            bool with_partitions);
// The target's name for a table, resolved.
QualifiedName target_name(const Warehouse& warehouse, const TableConfig& config);

// Plans the tables within the keeper's snapshot. `with_partitions`: cut them too (for `pulk plan`). Refused cells and
// wrong names are in `findings`, not thrown.
Prepared prepare(const Ends& ends, const std::vector<TableConfig>& tables, SnapshotKeeper& snapshots,
                 const MigrateOptions& options, CancelToken& cancel, bool with_partitions);

}  // namespace pulk
