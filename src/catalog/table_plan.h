// What was decided about one table before its first row is read: columns with their way from native type to target
// type, and partitions. Frozen: it is stored in the ledger and its hash is the identity of the work (I2). Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/identifier.h"
#include "catalog/logical_type.h"

namespace pulk {

struct ColumnPlan {
  std::string source_name;      // exact name in the source
  std::string source_type;      // native type as the source writes it, "numeric(10,2)"
  bool nullable = true;
  LogicalType logical;
  Carrier carrier;
  std::string target_name;      // exact name in the target; also the name in the Parquet file
  std::string target_type;      // as the target's DDL writes it, "DECIMAL(10,2)"
  std::string load_expression;  // over the quoted file column, in the target's SQL; "" for targets without SQL
  std::string refusal;          // why the column cannot travel; "" when it can
  std::string refusal_hint;
  std::string note;  // what a reader of the plan should know ("space padded to 10")
  // What the target holds, in the carrier's unit (days, microseconds); a value outside is refused when it is read.
  std::optional<std::int64_t> least, most;
};

// How a partition is cut out of its table.
enum class PartitionKind {
  whole,      // the only piece
  key_range,  // [lower, upper) over the key columns, none of them NULL
  key_null,   // any key column IS NULL
  physical,   // a range of pages; the first and the last are open, so that all rows are covered in any snapshot
};

struct PartitionPlan {
  int ordinal = 0;              // 1-based, also the value of the partition column in staging
  std::string id;               // 16 hex digits: hash of table, columns, predicate and type plan
  PartitionKind kind = PartitionKind::whole;
  std::string predicate;        // in the source's SQL, without the user's filter; "" for whole
  std::string display;          // for people: "id in [100, 200)"
  std::int64_t rows_estimate = -1;
  std::int64_t bytes_estimate = -1;
};

// What is read.
struct SourceObject {
  QualifiedName name;           // exact; empty when `query` is set
  std::string query;            // a SELECT of the user's, "" for tables and views
  std::string filter;           // whereClauseCriteria, applied to counts, boundaries and data
  bool is_query() const { return !query.empty(); }
};

struct TablePlan {
  std::string label;            // for people and for --tables: the source name, or the query's target name
  SourceObject source;
  QualifiedName target;
  std::vector<ColumnPlan> columns;
  std::vector<std::string> primary_key;         // target names; empty when there is none
  std::vector<std::string> partition_columns;   // source names of the key that ranges are over
  std::vector<PartitionPlan> partitions;
  std::string schema_fingerprint;               // of the source's columns and types as read
  std::int64_t rows_estimate = -1;
  std::int64_t bytes_estimate = -1;
  bool target_exists = false;                   // deployed beforehand, or by an earlier run
  std::vector<std::string> notes;               // lines for the plan
};

// Hash of everything that decides which rows and values travel; part of the receipts.
std::string plan_hash(const TablePlan& plan);

}  // namespace pulk
