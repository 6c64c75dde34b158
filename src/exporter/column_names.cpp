#include "exporter/column_names.h"

#include <arrow/type.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/strings.h"
#include "catalog/identifier.h"
#include "config/schema_check.h"

namespace pulk {
namespace {

// Those that answer to what was written; one is what is wanted.
std::vector<int> answering(const arrow::Schema& schema, const std::string& written) {
  if (const auto exact = schema.GetAllFieldIndices(written); !exact.empty()) return exact;
  const WrittenName name = parse_written_name(written);
  std::vector<int> found;
  for (int i = 0; i < schema.num_fields(); ++i) {
    const std::string& actual = schema.field(i)->name();
    if (name.exact ? actual == name.text : iequals(actual, name.text)) found.push_back(i);
  }
  return found;
}

}  // namespace

void check_column_names(const ExportEntry& entry, const arrow::Schema& schema) {
  if (entry.type == FileType::csv) return;
  Problems problems;
  std::map<std::string, int> first;
  for (int i = 0; i < schema.num_fields(); ++i) {
    const std::string& name = schema.field(i)->name();
    const std::string where = entry.table + ": column " + std::to_string(i + 1);
    if (name.empty())
      problems.add(where, "has no name", "give it one with AS in the query, or write csv");
    else if (const auto [found, is_new] = first.emplace(name, i + 1); !is_new)
      problems.add(where, "has the name of column " + std::to_string(found->second) + ", " + show_value(name),
                   "give it another with AS in the query, or write csv");
  }
  problems.throw_if_any(ErrorKind::refused);
}

std::vector<int> partition_columns(const ExportEntry& entry, const arrow::Schema& schema) {
  Problems problems;
  std::vector<int> columns;
  const std::string where = entry.table + ": partition_by";
  for (const std::string& written : entry.partition_by) {
    const std::vector<int> found = answering(schema, written);
    if (found.size() == 1) {
      if (std::find(columns.begin(), columns.end(), found[0]) != columns.end())
        problems.add(where, "names the column " + show_value(schema.field(found[0])->name()) + " twice");
      columns.push_back(found[0]);
    } else if (!found.empty()) {
      problems.add(where, show_value(written) + " could be " + std::to_string(found.size()) + " columns",
                   "write the name exactly, and give no two columns the same");
    } else {
      const auto near = did_you_mean(to_upper(written), schema.field_names());
      problems.add(where, "there is no column " + show_value(written),
                   near ? "did you mean " + *near + "?" : "there are: " + join(schema.field_names(), ", "));
    }
  }
  if (problems.empty() && !columns.empty() && static_cast<int>(columns.size()) == schema.num_fields())
    problems.add(where, "names every column, so that nothing is left for the files");
  problems.throw_if_any();
  return columns;
}

}  // namespace pulk
