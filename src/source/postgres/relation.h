// The catalog of a PostgreSQL server as pulk needs it: names to relations, columns, sizes, privileges, keys. All reads
// run in the caller's transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/statements.h"
#include "source/postgres/types.h"
#include "source/source.h"

namespace pulk::postgres {

struct Relation {
  std::string oid;              // as text: it only goes back into statements
  QualifiedName name;           // exact
  char kind = 'r';              // pg_class.relkind: r p v m f
  bool has_children = false;    // partitions or inheritance
  bool heap = false;            // stored by the standard table access method
  bool row_security = false;    // policies hide rows from this login
  bool select_on_table = true;  // the privilege is on the table, not on single columns
  std::vector<CatalogColumn> columns;

  bool sampled_by_page() const { return kind == 'r' || kind == 'p' || kind == 'm'; }
  bool lockable() const { return (kind == 'r' || kind == 'p') && select_on_table; }
};

// What the request names. Throws Error(usage) when there is no such relation, or when it is in another database;
// Error(refused) when the login may not read all of it.
Relation find_relation(pg::Statements& connection, const TableRequest& request);
// The same by exact names.
Relation find_relation(pg::Statements& connection, const QualifiedName& name);

// The columns that a query would give; takes the locks of its planning.
std::vector<CatalogColumn> query_columns(pg::Statements& connection, const std::string& query);

std::vector<std::string> names_of(const std::vector<CatalogColumn>& columns);
std::string fingerprint_of(const std::vector<CatalogColumn>& columns);

struct Estimate {
  std::int64_t rows = -1;
  std::int64_t bytes = -1;
};
Estimate estimate_storage(pg::Statements& connection, const Relation& relation);
// What the planner expects of a SELECT. Also checks the conditions, and keeps the locks of planning.
Estimate explain(pg::Statements& connection, const std::string& select);

std::vector<std::string> primary_key(pg::Statements& connection, const Relation& relation);
std::vector<QualifiedName> list_relations(pg::Statements& connection, const std::string& schema);

}  // namespace pulk::postgres
