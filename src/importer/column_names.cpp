#include "importer/column_names.h"

#include "base/strings.h"

namespace pulk {

int find_column(const std::vector<std::string>& columns, const std::string& name) {
  int alike = -1;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == name) return static_cast<int>(i);
    if (!iequals(columns[i], name)) continue;
    if (alike >= 0) return -1;
    alike = static_cast<int>(i);
  }
  return alike;
}

NoColumn no_column(const std::vector<std::string>& columns, const std::string& name) {
  std::vector<std::string> alike;
  for (const std::string& column : columns)
    if (iequals(column, name)) alike.push_back(column);
  if (!alike.empty())
    return {"may be each of the table's columns " + join(alike, ", "), "write it as the table has it"};
  const auto near = did_you_mean(to_upper(name), columns);
  return {"the table has no column " + name,
          near ? "did you mean " + *near + "?" : "the table's columns are " + join(columns, ", ")};
}

}  // namespace pulk
