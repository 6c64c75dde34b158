#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/postgres.h"
#include "source/postgres/relation.h"
#include "source/postgres/snapshot.h"

namespace pulk::postgres {
namespace {

ObjectKind kind_of(const Relation& relation) {
  if (relation.kind == 'r') return ObjectKind::table;
  return relation.kind == 'p' ? ObjectKind::partitioned_table : ObjectKind::view;
}

std::vector<SourceColumn> source_columns(const std::vector<CatalogColumn>& columns) {
  std::vector<SourceColumn> result;
  for (const CatalogColumn& column : columns) result.push_back(column.column);
  return result;
}

void add_notes(const Relation& relation, TableInfo& info) {
  if (relation.row_security) {
    info.notes.push_back("row-level security applies to this login: rows that its policies hide do not travel");
  }
  if (relation.kind == 'f') {
    info.notes.push_back("foreign table: the snapshot and its locks do not reach the server that holds the rows");
  }
  if (relation.kind == 'm') info.notes.push_back("materialized view: the rows are those of its last REFRESH");
}

TableInfo describe_query(pg::Statements& connection, const TableRequest& request) {
  TableInfo info;
  info.kind = ObjectKind::query;
  info.object.query = bare_query(request.query);
  info.object.filter = request.filter;
  const std::vector<CatalogColumn> columns = query_columns(connection, request.query);
  info.columns = source_columns(columns);
  info.fingerprint = fingerprint_of(columns);
  const Estimate estimate = explain(
      connection, "SELECT * FROM " + from_item(info.object, names_of(columns)) + where_clause({request.filter}));
  info.rows_estimate = estimate.rows;
  info.bytes_estimate = estimate.bytes;
  return info;
}

TableInfo describe_relation(pg::Statements& connection, const TableRequest& request) {
  const Relation relation = find_relation(connection, request);
  TableInfo info;
  info.object.name = relation.name;
  info.object.filter = request.filter;
  info.kind = kind_of(relation);
  info.columns = source_columns(relation.columns);
  info.fingerprint = fingerprint_of(relation.columns);
  info.primary_key = primary_key(connection, relation);
  // TID range scans came with PostgreSQL 14; a parent's pages are not its children's.
  info.physical_ranges =
      relation.kind == 'r' && relation.heap && !relation.has_children && connection.server_version() >= 140000;
  add_notes(relation, info);

  const bool stored = relation.sampled_by_page();
  if (stored) {
    const Estimate storage = estimate_storage(connection, relation);
    info.rows_estimate = storage.rows;
    info.bytes_estimate = storage.bytes;
  }
  if (!stored || !trim(request.filter).empty()) {
    const Estimate planned =
        explain(connection, "SELECT * FROM " + qualified(relation.name) + where_clause({request.filter}));
    if (stored && info.rows_estimate > 0 && planned.rows >= 0 && planned.rows < info.rows_estimate) {
      const double share = static_cast<double>(planned.rows) / static_cast<double>(info.rows_estimate);
      info.bytes_estimate = static_cast<std::int64_t>(static_cast<double>(info.bytes_estimate) * share);
      info.rows_estimate = planned.rows;
    } else if (!stored) {
      info.rows_estimate = planned.rows;
      info.bytes_estimate = planned.bytes;
    }
  }
  return info;
}

}  // namespace

TableInfo describe_object(pg::Statements& connection, const TableRequest& request) {
  return request.query.empty() ? describe_relation(connection, request) : describe_query(connection, request);
}

}  // namespace pulk::postgres
