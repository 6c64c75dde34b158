#include <array>
#include <string_view>
#include <utility>

#include "config/document.h"
#include "config/workflow_checks.h"

namespace pulk {
namespace {

using nlohmann::json;

const json kNull;

// The objects that are merged key by key; partitionSize is a value that happens to be written as an object.
bool is_deep(std::string_view key) {
  return key == "source" || key == "target" || key == "synchronization" || key == "extraction" ||
         key == "icebergConfig";
}

bool is_size(std::string_view key) {
  return key == "partitionSize" || key == "targetPartitionSizeMb" || key == "targetPartitionSizeRows" ||
         key == "maxPartitionSizeRows";
}

bool is_set(const json& object, const std::string& key) { return object.contains(key) && !object.at(key).is_null(); }

bool sets_size(const json& table) {
  for (const auto& [key, value] : table.items()) {
    if (is_size(key) && !value.is_null()) return true;
  }
  return false;
}

json merge(const json& own, const json& defaults) {
  if (!defaults.is_object()) return own.is_object() ? own : json::object();
  if (!own.is_object()) return defaults;
  json merged = own;
  // A size in one spelling replaces an inherited one in another.
  const bool own_size = sets_size(own);
  for (const auto& [key, value] : defaults.items()) {
    if (own_size && is_size(key)) continue;
    if (!is_set(own, key)) {
      merged[key] = value;
    } else if (is_deep(key) && own.at(key).is_object()) {
      merged[key] = merge(own.at(key), value);
    }
  }
  return merged;
}

const json& find(const json& object, const std::vector<std::string>& path) {
  const json* value = &object;
  for (const std::string& key : path) {
    if (!value->is_object() || !value->contains(key)) return kNull;
    value = &value->at(key);
  }
  return *value;
}

}  // namespace

MergedTable::MergedTable(const json& own, const json& defaults, std::string file, std::size_t index)
    : own_(own), defaults_(defaults), merged_(merge(own, defaults)), file_(std::move(file)), index_(index) {}

std::string MergedTable::where() const { return where_of(file_, path_of("tables", index_)); }

std::string MergedTable::where(const std::vector<std::string>& path) const {
  const bool inherited = find(own_, path).is_null() && !find(defaults_, path).is_null();
  std::string text = inherited ? "defaultTableConfiguration" : path_of("tables", index_);
  for (const std::string& key : path) text = path_of(text, key);
  return where_of(file_, text);
}

const json& MergedTable::at(const std::vector<std::string>& path) const { return find(merged_, path); }

std::string MergedTable::text(const std::vector<std::string>& path) const {
  const json& value = at(path);
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace pulk
