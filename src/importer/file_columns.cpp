#include "importer/file_columns.h"

#include <algorithm>
#include <utility>

#include "importer/column_names.h"

namespace pulk {
namespace {

const ColumnPlan* find(const std::vector<ColumnPlan>& plans, const std::string& name) {
  for (const ColumnPlan& plan : plans)
    if (plan.target_name == name) return &plan;
  return nullptr;
}

}  // namespace

std::vector<std::string> names_of(const DeployedTable& table) {
  std::vector<std::string> names;
  for (const DeployedColumn& column : table.columns) names.push_back(column.name);
  return names;
}

FileColumns::FileColumns(const std::optional<DeployedTable>& deployed) : deployed_(deployed) {
  if (deployed_) table_ = names_of(*deployed_);
}

void FileColumns::take(const std::string& path, const std::vector<std::string>& in_file, const PlanOf& plan_of,
                       const std::function<std::string(const std::string&)>& name_of) {
  std::vector<ColumnPlan> found;
  for (std::size_t i = 0; i < in_file.size(); ++i) {
    const DeployedColumn* column = nullptr;
    std::string name = deployed_ ? "" : name_of(in_file[i]);
    if (deployed_) {
      const int at = find_column(table_, in_file[i]);
      if (at < 0) {
        const NoColumn none = no_column(table_, in_file[i]);
        names_.add(path, none.what, none.hint);
        continue;
      }
      column = &deployed_->columns[static_cast<std::size_t>(at)];
      name = column->name;
    }
    if (std::any_of(found.begin(), found.end(), [&](const ColumnPlan& c) { return c.target_name == name; })) {
      names_.add(path, "has the column " + name + " twice", "leave one of them out");
      continue;
    }
    found.push_back(plan_of(i, name, column));
    if (!found.back().refusal.empty())
      types_.add(path + ": column " + name, found.back().refusal, found.back().refusal_hint);
  }
  if (first_.empty()) {
    first_ = path;
    plans_ = std::move(found);
    check_absent(path);
    return;
  }
  compare(path, found);
}

void FileColumns::check_absent(const std::string& path) {
  if (!deployed_) return;
  for (const DeployedColumn& column : deployed_->columns)
    if (!column.nullable && !column.has_default && find(plans_, column.name) == nullptr)
      names_.add(path, "has no column " + column.name + ", which is NOT NULL in the table and has no default");
}

void FileColumns::compare(const std::string& path, const std::vector<ColumnPlan>& found) {
  for (const ColumnPlan& plan : plans_) {
    const ColumnPlan* other = find(found, plan.target_name);
    if (other == nullptr)
      names_.add(path, "has no column " + plan.target_name + ", which " + first_ + " has", "load it by itself");
    else if (other->source_type != plan.source_type)
      types_.add(path + ": column " + plan.target_name,
                 "is " + other->source_type + ", and " + plan.source_type + " in " + first_, "load it by itself");
    else if (other->source_name != plan.source_name && plan.source_type != "text")
      names_.add(path, "calls the column " + other->source_name + " what " + first_ + " calls " + plan.source_name,
                 "load it by itself");
  }
  for (const ColumnPlan& plan : found)
    if (find(plans_, plan.target_name) == nullptr)
      names_.add(path, "has a column " + plan.target_name + ", which " + first_ + " does not have",
                 "load it by itself");
}

void FileColumns::throw_findings() const {
  Problems all = names_;
  all.add(types_);
  all.throw_if_any(types_.empty() ? ErrorKind::drift : ErrorKind::refused);
}

}  // namespace pulk
