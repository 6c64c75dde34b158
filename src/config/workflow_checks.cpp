#include "config/workflow_checks.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string_view>

#include "base/strings.h"
#include "catalog/identifier.h"
#include "config/document.h"

namespace pulk {
namespace {

using nlohmann::json;
using Path = std::vector<std::string>;

// Problems of inherited values are found once per table; a person wants to read them once.
void add_once(Problems& problems, const std::string& where, const std::string& what, const std::string& hint = "") {
  const auto& list = problems.list();
  const bool there = std::any_of(list.begin(), list.end(), [&](const Problem& known) {
    return known.where == where && known.what == what;
  });
  if (!there) problems.add(where, what, hint);
}

// Names that every rule of folding takes for the same one. Whether "a" is A depends on the system and is checked later.
std::string same_name_key(std::string_view written) {
  if (written.empty()) return "";
  const WrittenName name = parse_written_name(written);
  return name.exact ? "=" + name.text : "~" + to_lower(name.text);
}

// Nothing when the quotes are wrong; that was told.
std::optional<std::string> check_name(const std::string& written, const std::string& where, Problems& problems) {
  try {
    return same_name_key(written);
  } catch (const Error& error) {
    add_once(problems, where, error.message(), error.hint());
    return std::nullopt;
  }
}

void check_names(const MergedTable& table, Problems& problems) {
  for (const char* side : {"source", "target"}) {
    for (const char* key : {"databaseName", "schemaName", "tableName"}) {
      const std::string written = table.text({side, key});
      if (!written.empty()) check_name(written, table.where({side, key}), problems);
    }
  }
}

void check_required(const MergedTable& table, Problems& problems) {
  if (!table.has({"source"})) {
    add_once(problems, table.where(), "\"source\" is missing", "an object with tableName or query");
  } else if (table.at({"source"}).is_object()) {
    const bool named = table.has({"source", "tableName"});
    const bool query = table.has({"source", "query"});
    if (named && query) {
      add_once(problems, table.where({"source", "query"}), "tableName and query are both there",
               "keep one: what is read is either a table or a query");
    } else if (!named && !query) {
      add_once(problems, table.where({"source"}), "\"tableName\" is missing", "name a table or view, or write a query");
    } else if (query && table.at({"source", "query"}).is_string() && trim(table.text({"source", "query"})).empty()) {
      add_once(problems, table.where({"source", "query"}), "the query is empty");
    }
  }
  if (!table.has({"target"})) {
    add_once(problems, table.where(), "\"target\" is missing", "an object with tableName");
  } else if (table.at({"target"}).is_object() && !table.has({"target", "tableName"})) {
    add_once(problems, table.where({"target"}), "\"tableName\" is missing");
  }
}

void check_column_list(const MergedTable& table, const std::string& key, Problems& problems) {
  const json& list = table.at({key});
  if (!list.is_array()) return;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_string() || list[i].get_ref<const std::string&>().empty()) continue;
    const std::string where = path_of(table.where({key}), i);
    const auto name = check_name(list[i].get<std::string>(), where, problems);
    if (name && !seen.insert(*name).second) {
      add_once(problems, where, "the column " + list[i].dump() + " is there twice");
    }
  }
}

// Types are compared without case and blanks: "numeric (10, 2)" is "NUMERIC(10,2)".
std::string type_key(const std::string& type) {
  std::string key;
  for (const char c : to_lower(type)) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) key += c;
  }
  return key;
}

void check_mappings(const MergedTable& table, Problems& problems) {
  const auto unique = [&](const std::string& list_key, const std::string& key, bool is_name) {
    const json& list = table.at({list_key});
    if (!list.is_array()) return;
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_object() || !list[i].contains(key) || !list[i].at(key).is_string()) continue;
      const std::string written = list[i].at(key).get<std::string>();
      if (written.empty()) continue;
      const std::string where = path_of(path_of(table.where({list_key}), i), key);
      const auto name = is_name ? check_name(written, where, problems) : std::optional(type_key(written));
      if (!name) continue;
      const auto [first, added] = seen.emplace(*name, i);
      if (added) continue;
      add_once(problems, where, json(written).dump() + " is already in " + list_key + "[" +
                                    std::to_string(first->second) + "]");
    }
  };
  unique("columnTypeMappings", "sourceType", false);
  unique("columnNameMappings", "sourceName", true);
  unique("columnNameMappings", "targetName", true);
}

void check_size(const MergedTable& table, Problems& problems) {
  std::vector<std::string> there;
  for (const char* key : {"partitionSize", "targetPartitionSizeMb", "targetPartitionSizeRows", "maxPartitionSizeRows"}) {
    if (table.has({key})) there.emplace_back(key);
  }
  if (there.size() > 1) {
    add_once(problems, table.where({there.back()}), "the partition size is given more than once: " + join(there, ", "),
             "keep one of them");
  }
}

void check_filter(const MergedTable& table, Problems& problems) {
  const std::string filter = to_lower(trim(table.text({"whereClauseCriteria"})));
  const bool has_where = filter.starts_with("where") && filter.size() > 5 &&
                         std::isspace(static_cast<unsigned char>(filter[5])) != 0;
  if (has_where) add_once(problems, table.where({"whereClauseCriteria"}), "begins with WHERE", "leave the word out");
}

void check_strategies(const MergedTable& table, Problems& problems) {
  const auto need = [&](const Path& object, const std::string& key, const std::string& why) {
    Path path = object;
    path.push_back(key);
    if (!table.has(path)) add_once(problems, table.where(object), "\"" + key + "\" is missing", why);
  };
  const json& extraction = table.at({"extraction"});
  if (extraction.is_object() && !extraction.empty()) {
    need({"extraction"}, "strategy", "\"regular\" or \"unload\"");
    if (table.text({"extraction", "strategy"}) == "unload") {
      need({"extraction"}, "externalStage", "the strategy unload writes to it");
    }
  }
  const json& synchronization = table.at({"synchronization"});
  if (synchronization.is_object() && !synchronization.empty()) {
    need({"synchronization"}, "strategy", "\"none\", \"checksum\" or \"watermark\"");
    if (table.text({"synchronization", "strategy"}) == "watermark") {
      need({"synchronization"}, "watermarkColumn", "the strategy watermark reads it");
    }
    if (const std::string column = table.text({"synchronization", "watermarkColumn"}); !column.empty()) {
      check_name(column, table.where({"synchronization", "watermarkColumn"}), problems);
    }
    const json& keys = table.at({"primaryKeyColumns"});
    if (table.at({"synchronization", "trackModifications"}) == json(true) && (keys.is_null() || keys == json::array())) {
      add_once(problems, table.where(), "\"primaryKeyColumns\" is missing", "trackModifications finds rows by them");
    }
  }
  const Path iceberg{"target", "icebergConfig"};
  if (table.text({"target", "tableType"}) != "iceberg") return;
  if (!table.has(iceberg)) return need({"target"}, "icebergConfig", "the tableType iceberg needs it");
  const std::string catalog = table.text({"target", "icebergConfig", "catalog"});
  const bool own_catalog = catalog.empty() || to_upper(catalog) == "SNOWFLAKE";
  if (own_catalog) need(iceberg, "externalVolume", "the catalog SNOWFLAKE keeps the table on it");
  if (!own_catalog) need(iceberg, "catalogTableName", "the catalog " + catalog + " knows the table by it");
}

std::string object_key(const MergedTable& table, const std::string& side) {
  std::string key;
  for (const char* part : {"databaseName", "schemaName", "tableName"}) {
    key += same_name_key(table.text({side, part})) + '\n';
  }
  return side == "source" ? key + table.text({"source", "query"}) : key;
}

}  // namespace

void check_table(const MergedTable& table, Problems& problems) {
  check_required(table, problems);
  check_names(table, problems);
  check_column_list(table, "columnNamesToPartitionBy", problems);
  check_column_list(table, "primaryKeyColumns", problems);
  check_mappings(table, problems);
  check_size(table, problems);
  check_filter(table, problems);
  check_strategies(table, problems);
}

void check_targets(const std::vector<MergedTable>& tables, Problems& problems) {
  std::map<std::string, const MergedTable*> by_target;
  for (const MergedTable& table : tables) {
    if (table.text({"target", "tableName"}).empty()) continue;
    try {
      const auto [place, added] = by_target.emplace(object_key(table, "target"), &table);
      if (added) continue;
      const bool same_source = object_key(table, "source") == object_key(*place->second, "source");
      const std::string& first = place->second->where();
      if (same_source) {
        problems.add(table.where(), "the same source and target as in " + first, "remove one of the two");
      } else {
        problems.add(table.where({"target"}), "the same target as in " + first, "each target is written by one table");
      }
    } catch (const Error&) {
      // A name with wrong quotes: check_table has told.
    }
  }
}

void check_features(const std::vector<MergedTable>& tables, Problems& problems) {
  const auto absent = [&](const MergedTable& table, const Path& path, std::string_view except, const std::string& hint) {
    const std::string value = table.text(path);
    if (value.empty() || value == except) return;
    add_once(problems, table.where(path), "\"" + value + "\" is not in this version of pulk", hint);
  };
  for (const MergedTable& table : tables) {
    absent(table, {"synchronization", "strategy"}, "none", "\"none\" reads everything on every run");
    absent(table, {"extraction", "strategy"}, "regular", "\"regular\" reads through pulk");
    absent(table, {"target", "tableType"}, "native", "\"native\" is a table of the target itself");
  }
}

}  // namespace pulk
