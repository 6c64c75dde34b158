#include "catalog/table_plan.h"

#include "base/strings.h"

namespace pulk {

namespace {

// Length-prefixed parts, so that no two different plans have the same text.
void put(std::string& out, std::string_view part) {
  out += std::to_string(part.size());
  out += ':';
  out += part;
}

}  // namespace

std::string plan_hash(const TablePlan& plan) {
  std::string text;
  for (const std::string* part : {&plan.source.name.database, &plan.source.name.schema, &plan.source.name.table,
                                  &plan.source.query, &plan.source.filter, &plan.target.database,
                                  &plan.target.schema, &plan.target.table, &plan.schema_fingerprint})
    put(text, *part);
  for (const ColumnPlan& column : plan.columns) {
    put(text, column.source_name);
    put(text, column.source_type);
    put(text, to_string(column.carrier));
    put(text, column.target_name);
    put(text, column.target_type);
    put(text, column.nullable ? "null" : "not null");
  }
  return xxh128_hex(text);
}

}  // namespace pulk
