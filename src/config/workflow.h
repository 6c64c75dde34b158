// The workflow file (JSON, YAML accepted): which tables move, and how. Plain structs with what the person wrote, after
// defaultTableConfiguration has been merged in (objects deep, lists replaced, scalars: the table wins). Names are kept
// as written, quotes included; `where` is the path in the file, for messages ("workflow.json:tables[1]").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pulk {

struct WrittenTable {
  std::string database, schema, table;  // as written, "" when absent
};

struct TypeMapping {
  std::string source_type, target_type;
};

struct NameMapping {
  std::string source_name, target_name;
};

struct PartitionSize {
  enum class Kind { automatic, target_size_mb, max_rows };
  Kind kind = Kind::automatic;
  std::int64_t value = 0;  // megabytes (2^20 bytes) or rows
};

// How partitions are cut when the workflow does not leave it to the planner.
enum class Partitioning { automatic, key, physical, none };

struct TableConfig {
  std::string where;
  WrittenTable source;
  std::string query;                    // source.query: a SELECT in place of a table
  WrittenTable target;
  std::vector<std::string> partition_columns;  // columnNamesToPartitionBy, as written
  Partitioning partitioning = Partitioning::automatic;
  PartitionSize partition_size;
  std::vector<TypeMapping> type_mappings;
  std::vector<NameMapping> name_mappings;
  std::vector<std::string> primary_key_columns;
  std::string filter;                   // whereClauseCriteria
  bool source_quiet = false;            // the user asserts that the source does not change until the run is done
};

struct Workflow {
  std::string path;
  std::string name;                     // file name without its ending
  std::string schema_version = "1.0.0";
  std::string affinity;
  std::vector<TableConfig> tables;
};

// Throws Error(usage) with every problem at once; Error(refused) when the only problems are features that this version
// does not have (synchronization other than none, unload extraction, Iceberg targets), naming each.
Workflow load_workflow(const std::string& path);

// The JSON Schema (draft 2020-12) that load_workflow checks the structure against, as printed by `pulk schema`.
std::string workflow_schema();

}  // namespace pulk
