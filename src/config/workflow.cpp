#include "config/workflow.h"

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "config/document.h"
#include "config/schema_check.h"
#include "config/workflow_checks.h"

namespace pulk {
namespace {

using nlohmann::json;

const json& structure() {
  static const json schema = json::parse(workflow_schema());
  return schema;
}

std::int64_t whole(const json& value) {
  // 5.0 is a whole number for the schema; its bounds keep the conversion exact.
  return value.is_number_float() ? static_cast<std::int64_t>(value.get<double>()) : value.get<std::int64_t>();
}

std::vector<std::string> strings(const json& list) {
  return list.is_array() ? list.get<std::vector<std::string>>() : std::vector<std::string>{};
}

WrittenTable written_table(const MergedTable& table, const std::string& side) {
  return {table.text({side, "databaseName"}), table.text({side, "schemaName"}), table.text({side, "tableName"})};
}

PartitionSize partition_size(const MergedTable& table) {
  using Kind = PartitionSize::Kind;
  const auto of = [&](Kind kind, const std::vector<std::string>& path) -> PartitionSize {
    return {kind, whole(table.at(path))};
  };
  if (table.has({"partitionSize", "targetSizeMb"})) return of(Kind::target_size_mb, {"partitionSize", "targetSizeMb"});
  if (table.has({"targetPartitionSizeMb"})) return of(Kind::target_size_mb, {"targetPartitionSizeMb"});
  if (table.has({"partitionSize", "maxRowsPerPartition"})) {
    return of(Kind::max_rows, {"partitionSize", "maxRowsPerPartition"});
  }
  if (table.has({"targetPartitionSizeRows"})) return of(Kind::max_rows, {"targetPartitionSizeRows"});
  if (table.has({"maxPartitionSizeRows"})) return of(Kind::max_rows, {"maxPartitionSizeRows"});
  return {};
}

Partitioning partitioning(const std::string& text) {
  if (text == "key") return Partitioning::key;
  if (text == "physical") return Partitioning::physical;
  if (text == "none") return Partitioning::none;
  return Partitioning::automatic;
}

TableConfig table_config(const MergedTable& table) {
  TableConfig config;
  config.where = table.where();
  config.source = written_table(table, "source");
  config.query = std::string(trim(table.text({"source", "query"})));
  config.target = written_table(table, "target");
  config.partition_columns = strings(table.at({"columnNamesToPartitionBy"}));
  config.partitioning = partitioning(table.text({"partitioning"}));
  config.partition_size = partition_size(table);
  if (const json& list = table.at({"columnTypeMappings"}); list.is_array()) {
    for (const json& item : list) config.type_mappings.push_back({item.at("sourceType"), item.at("targetType")});
  }
  if (const json& list = table.at({"columnNameMappings"}); list.is_array()) {
    for (const json& item : list) config.name_mappings.push_back({item.at("sourceName"), item.at("targetName")});
  }
  config.primary_key_columns = strings(table.at({"primaryKeyColumns"}));
  config.filter = std::string(trim(table.text({"whereClauseCriteria"})));
  config.source_quiet = table.at({"sourceQuiet"}) == json(true);
  return config;
}

}  // namespace

Workflow load_workflow(const std::string& path) {
  Problems problems;
  const json document = read_document(path, "workflow", problems);
  check_against_schema(document, structure(), path, problems);

  // The rest is checked even when the structure is wrong somewhere: a person wants to see everything at once.
  const json defaults = document.is_object() ? document.value("defaultTableConfiguration", json()) : json();
  std::vector<MergedTable> tables;
  if (document.is_object() && document.contains("tables") && document.at("tables").is_array()) {
    const json& list = document.at("tables");
    tables.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i].is_object()) tables.emplace_back(list[i], defaults, path, i);
    }
  }
  for (const MergedTable& table : tables) check_table(table, problems);
  check_targets(tables, problems);
  problems.throw_if_any(ErrorKind::usage);

  Problems features;
  check_features(tables, features);
  features.throw_if_any(ErrorKind::refused);

  Workflow workflow;
  workflow.path = path;
  workflow.name = std::filesystem::path(path).stem().string();
  const auto text = [&](const char* key) {
    const auto value = document.find(key);
    return value != document.end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  if (const std::string version = text("schemaVersion"); !version.empty()) workflow.schema_version = version;
  workflow.affinity = text("affinity");
  for (const MergedTable& table : tables) workflow.tables.push_back(table_config(table));
  return workflow;
}

}  // namespace pulk
