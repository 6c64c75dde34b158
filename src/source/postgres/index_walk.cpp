#include <algorithm>

#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"
#include "source/postgres/cut.h"

namespace pulk::postgres {

bool has_walkable_index(pg::Statements& connection, const Relation& relation, const std::vector<std::string>& key) {
  // A table that others inherit from has only its own rows in its index.
  if (relation.kind == 'r' && relation.has_children) return false;
  if (relation.kind != 'r' && relation.kind != 'p' && relation.kind != 'm') return false;
  std::vector<std::string> attnums;
  for (const std::string& name : key) {
    for (const CatalogColumn& column : relation.columns) {
      if (column.column.name == name) attnums.push_back(std::to_string(column.attnum));
    }
  }
  if (attnums.size() != key.size()) return false;
  // Default operator class, collation of the column, ascending: the order that ORDER BY asks for.
  const pg::Result rows = connection.query(
      R"(SELECT 1
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'btree'
 WHERE i.indrelid = $1::pg_catalog.oid AND i.indpred IS NULL AND i.indisvalid AND i.indisready
   AND pg_catalog.cardinality($2::pg_catalog.int2[]) <= i.indnkeyatts
   AND NOT EXISTS (
     SELECT 1 FROM pg_catalog.unnest($2::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, position)
       JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
       JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[k.position - 1]
      WHERE i.indkey[k.position - 1] <> k.attnum OR i.indoption[k.position - 1] <> 0 OR NOT o.opcdefault
         OR i.indcollation[k.position - 1] <> a.attcollation)
 LIMIT 1)",
      {relation.oid, array_literal(attnums)});
  return rows.rows() > 0;
}

std::vector<Boundary> walk_index(pg::Statements& connection, const TableInfo& table, const KeyColumns& key,
                                 std::int64_t max_rows, std::int64_t& rows) {
  // A sort or a whole scan for each step is what must not happen; the index may look dearer for one single step.
  connection.exec(
      "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off;"
      "SET LOCAL max_parallel_workers_per_gather = 0");
  if (connection.server_version() >= 130000) connection.exec("SET LOCAL enable_incremental_sort = off");
  // Qualified in ORDER BY: a bare name would mean the output column, which is text.
  std::vector<std::string> texts, order;
  for (const std::string& name : key.names) {
    texts.push_back(quote_double(name) + "::pg_catalog.text");
    order.push_back(qualified(table.object.name) + "." + quote_double(name));
  }
  const std::string from = " FROM " + qualified(table.object.name);

  // The key of the row `offset` rows after the first that meets the condition.
  const auto key_at = [&](const std::string& condition, const KeyValues* same, std::int64_t offset, bool& is_same) {
    const std::string equal = same == nullptr ? "false" : key.compare("=", *same);
    const pg::Result row =
        connection.exec("SELECT " + join(texts, ", ") + ", " + equal + from +
                        where_clause({table.object.filter, key.not_null(), condition}) + " ORDER BY " +
                        join(order, ", ") + " OFFSET " + std::to_string(offset) + " LIMIT 1");
    KeyValues values;
    if (row.rows() == 0) return values;
    for (std::size_t i = 0; i < key.names.size(); ++i) values.push_back(row.text(0, static_cast<int>(i)));
    is_same = row.boolean(0, static_cast<int>(key.names.size()));
    return values;
  };

  std::vector<Boundary> boundaries;
  const KeyValues* last = nullptr;
  for (;;) {
    bool is_same = false;
    const std::string from_last = last == nullptr ? "" : key.compare(">=", *last);
    KeyValues next = key_at(from_last, last, max_rows, is_same);
    if (next.empty()) break;
    const KeyValues* start = last;
    KeyValues first;
    if (start == nullptr) {  // does the very first value alone exceed the limit?
      bool unused = false;
      first = key_at("", nullptr, 0, unused);
      start = &first;
      is_same = first == next;
    }
    if (is_same) next = key_at(key.compare(">", *start), nullptr, 0, is_same);
    if (next.empty()) break;
    // Rows up to a boundary are at most max_rows for each step; a value with more of them is not counted here.
    boundaries.push_back({std::move(next), static_cast<std::int64_t>(boundaries.size() + 1) * max_rows});
    last = &boundaries.back().values;
  }
  rows = std::max(rows, static_cast<std::int64_t>(boundaries.size()) * max_rows);
  return boundaries;
}

}  // namespace pulk::postgres
