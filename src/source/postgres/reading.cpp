#include "source/postgres/reading.h"

#include "base/strings.h"
#include "source/postgres/relation.h"

namespace pulk::postgres {
namespace {

std::vector<CatalogColumn> current_columns(pg::Statements& connection, const SourceObject& source) {
  return source.is_query() ? query_columns(connection, source.query) : find_relation(connection, source.name).columns;
}

std::string difference(const TablePlan& table, const std::vector<CatalogColumn>& actual) {
  for (const ColumnPlan& planned : table.columns) {
    const CatalogColumn* found = nullptr;
    for (const CatalogColumn& column : actual) {
      if (column.column.name == planned.source_name) found = &column;
    }
    const std::string name = "column " + quote_double(planned.source_name);
    if (found == nullptr) return name + " is gone";
    if (found->column.native_type != planned.source_type) {
      return name + " is " + found->column.native_type + ", planned as " + planned.source_type;
    }
    if (found->column.nullable && !planned.nullable) return name + " allows NULL now";
  }
  return "";
}

}  // namespace

void join_snapshot(pg::Statements& connection, const std::string& exported, const std::string& where) {
  try {
    connection.exec("SET TRANSACTION SNAPSHOT '" + exported + "'");
  } catch (const pg::SqlError& error) {
    if (error.kind() == ErrorKind::retryable && error.sqlstate() != "55000") throw;
    throw Error(ErrorKind::retryable, "the exported snapshot cannot be joined: " + error.message(), where,
                "its holder has ended, or a pooler or balancer led this connection to another server: connect straight "
                "to one server");
  }
}

Reading plan_reading(pg::Statements& connection, const TablePlan& table) {
  std::vector<CatalogColumn> actual;
  try {
    actual = current_columns(connection, table.source);
  } catch (const Error& error) {
    throw error.kind() == ErrorKind::usage
        ? Error(ErrorKind::drift, "the source has changed since the plan: " + error.message(), table.label,
                error.hint())
        : error.with_subject(table.label);
  }
  std::string changed = difference(table, actual);
  if (changed.empty() && !table.schema_fingerprint.empty() && fingerprint_of(actual) != table.schema_fingerprint) {
    changed = "columns were added, moved or renamed";
  }
  if (!changed.empty()) {
    throw Error(ErrorKind::drift, "the source has changed since the plan: " + changed, table.label,
                "plan the table again");
  }
  Reading reading;
  for (const ColumnPlan& planned : table.columns) {
    for (const CatalogColumn& column : actual) {
      if (column.column.name != planned.source_name) continue;
      try {
        reading.columns.push_back(read_column(column, planned));
        reading.actual.push_back(column);
      } catch (const Error& error) {
        throw error.with_subject(table.label);
      }
      break;
    }
  }
  return reading;
}

std::vector<std::string> output_names(pg::Statements& connection, const SourceObject& source) {
  return source.is_query() ? names_of(query_columns(connection, source.query)) : std::vector<std::string>{};
}

}  // namespace pulk::postgres
