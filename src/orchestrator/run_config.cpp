#include "orchestrator/run_config.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace pulk {

namespace {

using nlohmann::ordered_json;

ordered_json table_json(const TableConfig& table) {
  ordered_json j;
  j["source"] = {{"database", table.source.database}, {"schema", table.source.schema}, {"table", table.source.table},
                 {"query", table.query}};
  j["target"] = {{"database", table.target.database}, {"schema", table.target.schema}, {"table", table.target.table}};
  j["columnNamesToPartitionBy"] = table.partition_columns;
  j["partitioning"] = static_cast<int>(table.partitioning);
  j["partitionSize"] = {{"kind", static_cast<int>(table.partition_size.kind)}, {"value", table.partition_size.value}};
  j["columnTypeMappings"] = ordered_json::object();
  for (const TypeMapping& m : table.type_mappings) j["columnTypeMappings"][m.source_type] = m.target_type;
  j["columnNameMappings"] = ordered_json::object();
  for (const NameMapping& m : table.name_mappings) j["columnNameMappings"][m.source_name] = m.target_name;
  j["primaryKeyColumns"] = table.primary_key_columns;
  j["whereClauseCriteria"] = table.filter;
  return j;
}

}  // namespace

std::string run_config(const std::vector<TableConfig>& tables, const MigrateOptions& options,
                       const std::string& source_identity, const std::string& target) {
  ordered_json j;
  j["source"] = source_identity;
  j["target"] = target;
  j["append"] = options.append;
  j["sample_rows"] = options.sample_rows;
  j["tables"] = ordered_json::array();
  for (const TableConfig& table : tables) j["tables"].push_back(table_json(table));
  return j.dump();
}

std::vector<std::string> config_differences(const std::string& before, const std::string& now) {
  const auto flat = [](const std::string& text) {
    std::map<std::string, std::string> out;
    const auto flattened = nlohmann::json::parse(text).flatten();
    for (const auto& [path, value] : flattened.items()) {
      // "/tables/0/source/table" reads better as "tables[0].source.table".
      std::string name;
      std::size_t start = 1;
      while (start <= path.size()) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string part = path.substr(start, end - start);
        const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
        if (number) name += "[" + part + "]";
        else name += (name.empty() ? "" : ".") + part;
        start = end + 1;
      }
      out[name] = value.dump();
    }
    return out;
  };
  const auto old_values = flat(before), new_values = flat(now);
  std::vector<std::string> lines;
  for (const auto& [path, value] : old_values) {
    const auto found = new_values.find(path);
    if (found == new_values.end()) lines.push_back(fmt::format("{}: was {}, is gone", path, value));
    else if (found->second != value) lines.push_back(fmt::format("{}: was {}, is now {}", path, value, found->second));
  }
  for (const auto& [path, value] : new_values)
    if (!old_values.contains(path)) lines.push_back(fmt::format("{}: is new, {}", path, value));
  return lines;
}

}  // namespace pulk
