// What SQLite's catalog says about tables, views and queries. Each function uses the connection it is given, inside
// the transaction that runs there; the caller holds the connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/odbc/handle.h"
#include "source/source.h"

namespace pulk::odbc {

struct SqliteObject {
  SourceObject object;
  ObjectKind kind = ObjectKind::table;
  std::vector<SourceColumn> columns;
  std::vector<std::string> primary_key;
  std::string rowid;        // the name by which the rowid can be asked for; "" when rows have none
  std::string rowid_alias;  // the column that is the rowid (INTEGER PRIMARY KEY); "" when none is
  std::vector<std::string> notes;
};

// Throws Error(usage) when there is no such table or view, or the query is not a SELECT that SQLite takes.
SqliteObject find_object(Connection& connection, const TableRequest& request);
// The same for what was found before; Error(drift) when it is gone.
SqliteObject find_planned(Connection& connection, const SourceObject& object);

TableInfo describe(Connection& connection, const TableRequest& request);

std::int64_t count_rows(Connection& connection, const SourceObject& object);

// Tables and views of the schema main, by name.
std::vector<std::string> table_names(Connection& connection);

// `points` rowids of existing rows, spread evenly over the range of rowids: each is found by one seek. Sorted, no
// duplicates, so that gaps in the range get fewer.
std::vector<std::int64_t> sample_rowids(Connection& connection, const SqliteObject& object, std::int64_t points);

// "(1),(2)" for VALUES.
std::string values_list(const std::vector<std::int64_t>& numbers);

}  // namespace pulk::odbc
