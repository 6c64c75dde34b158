// Decides how a table travels: the way of every column, and how it is cut. Knows no SQL dialect: sources and
// warehouses answer its questions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "catalog/table_plan.h"
#include "config/workflow.h"
#include "source/source.h"
#include "warehouse/warehouse.h"

namespace pulk {

// A reason why a plan cannot run. All of a workflow are collected before anything starts.
struct Finding {
  ErrorKind kind = ErrorKind::usage;
  Problem problem;
};

// The source's side of a table's configuration, names taken apart. Adds to `findings` for names that cannot be read.
TableRequest request_of(const TableConfig& config, std::vector<Finding>& findings);

// The way of each column. Columns that cannot travel carry their refusal in the plan and in `findings`; so do names in
// the configuration that the table does not have, and a deployed target table of another shape.
TablePlan plan_columns(const TableConfig& config, const TableInfo& info, NameRule source_rule,
                       const Warehouse& warehouse, const std::optional<DeployedTable>& deployed,
                       std::vector<Finding>& findings);

// Number of range partitions that a table should be cut into.
struct SizingFacts {
  std::int64_t bytes = -1, rows = -1;  // -1: unknown
  int lanes = 1;
  bool server_side = false;            // the source unloads the files itself
};
std::int64_t wanted_pieces(const PartitionSize& size, const SizingFacts& facts);

// What to ask the source for. Names in `config` have been checked by plan_columns.
PartitionRequest partition_request(const TableConfig& config, const TableInfo& info, const TablePlan& plan,
                                   NameRule source_rule, int lanes, std::vector<Finding>& findings);

// Cuts the table and fills plan.partitions with ordinals and ids.
void cut_table(TablePlan& plan, const TableInfo& info, const PartitionRequest& request, Snapshot& snapshot);

// Throws one Error that lists all findings, of the gravest kind among them (usage, refused, drift); nothing if none.
void throw_findings(const std::vector<Finding>& findings);

}  // namespace pulk
