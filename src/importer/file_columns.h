// The columns of files against those of the table: every difference is found before any row is read. Belongs to one
// thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "catalog/table_plan.h"
#include "warehouse/warehouse.h"

namespace pulk {

std::vector<std::string> names_of(const DeployedTable& table);

class FileColumns {
 public:
  // Without a table the columns are what the first file has. `deployed` must outlive it.
  explicit FileColumns(const std::optional<DeployedTable>& deployed);

  // The i-th column of a file, for the table's column of this name; the column is nullptr where the table is to be
  // made.
  using PlanOf = std::function<ColumnPlan(std::size_t i, const std::string& name, const DeployedColumn* column)>;
  // What further files have must be what the first one has. `name_of` says what a column of a new table is called.
  void take(const std::string& path, const std::vector<std::string>& in_file, const PlanOf& plan_of,
            const std::function<std::string(const std::string&)>& name_of);

  // Error(drift), or Error(refused) when there are types among the findings.
  void throw_findings() const;
  const std::vector<ColumnPlan>& plans() const { return plans_; }

 private:
  void check_absent(const std::string& path);
  void compare(const std::string& path, const std::vector<ColumnPlan>& found);

  const std::optional<DeployedTable>& deployed_;
  std::vector<std::string> table_;
  std::string first_;
  std::vector<ColumnPlan> plans_;
  Problems names_, types_;
};

}  // namespace pulk
