// The rules of a workflow that its JSON Schema cannot say: what must be there after the defaults are merged in, and
// what contradicts itself. Called by load_workflow only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace pulk {

// One entry of `tables` with its defaults: the merged object and where each value was written.
class MergedTable {
 public:
  // `own` and `defaults` are objects, or null.
  MergedTable(const nlohmann::json& own, const nlohmann::json& defaults, std::string file, std::size_t index);

  const nlohmann::json& merged() const { return merged_; }
  std::string where() const;
  // Where the person wrote the value at this path: in the table, else in the defaults; the table's place when nowhere.
  std::string where(const std::vector<std::string>& path) const;
  // The merged value at the path; null when it is not there.
  const nlohmann::json& at(const std::vector<std::string>& path) const;
  bool has(const std::vector<std::string>& path) const { return !at(path).is_null(); }
  // The text there; "" when there is none or it is not text (the schema check has told).
  std::string text(const std::vector<std::string>& path) const;

 private:
  const nlohmann::json& own_;
  const nlohmann::json& defaults_;
  nlohmann::json merged_;
  std::string file_;
  std::size_t index_;
};

// Adds each finding once, also when several tables inherit it from the defaults.
void check_table(const MergedTable& table, Problems& problems);
// Tables that would overwrite each other in the target.
void check_targets(const std::vector<MergedTable>& tables, Problems& problems);
// Features of the contract that this version does not have.
void check_features(const std::vector<MergedTable>& tables, Problems& problems);

}  // namespace pulk
