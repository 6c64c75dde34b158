// Compares one table of the source with what stands in the target. Both are read whole and digested by the same code, the
// source through its lanes in one snapshot, the target as it gives its rows back; when they differ, the rows in the
// buckets that differ are read once more and named.
//
// Threads: compare_table() blocks; its lanes read the source, the calling thread reads the target.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "catalog/table_plan.h"
#include "engine/progress.h"
#include "source/source.h"
#include "validation/digest.h"
#include "validation/row_diff.h"
#include "warehouse/warehouse.h"

namespace pulk {

class CancelToken;

struct CompareOptions {
  int lanes = 1;
  bool counts_only = false;
  std::int64_t max_cell_bytes = 256LL << 20;
  std::int64_t row_memory = 32LL << 20;  // for rows of buckets that differ
  std::size_t most_named = 10;           // rows
};

struct ColumnComparison {
  ComparedColumn column;
  std::string source_type, target_type;
  ColumnDigest source, target;
};

struct TableComparison {
  // What keeps values from being compared: a column or the table is missing, a type is another one.
  std::vector<std::string> shape;
  std::vector<std::string> notes;
  std::int64_t source_rows = -1, target_rows = -1;
  std::int64_t source_count = -1;        // the source's own count(*); -1: not asked
  std::vector<ColumnComparison> columns; // empty when only rows were counted
  std::vector<std::string> key;
  bool rows_differ = false;
  RowDifferences rows;
  bool all_rows_named = true;            // false: only some of the buckets that differ were looked at

  bool equal() const {
    return shape.empty() && source_rows == target_rows && (source_count < 0 || source_count == source_rows) &&
           !rows_differ &&
           std::all_of(columns.begin(), columns.end(), [](const auto& c) { return c.source.same(c.target); });
  }
};

// `plan` has partitions. Errors of either side are thrown; a difference is no error.
TableComparison compare_table(const TablePlan& plan, const DeployedTable& deployed, const Warehouse& warehouse,
                              WarehouseSession& session, Snapshot& snapshot, const CompareOptions& options,
                              CancelToken& cancel, Progress& progress);

}  // namespace pulk
