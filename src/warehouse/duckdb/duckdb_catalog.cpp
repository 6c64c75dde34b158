#include "warehouse/duckdb/duckdb_catalog.h"

#include "base/strings.h"

namespace pulk::duckdb {

namespace {

// SQL text in which two identifiers are equal: DuckDB's lower() also folds letters beyond ASCII, its catalog does not.
std::string same(const std::string& column, const std::string& name) {
  std::string fold = "translate(" + column + ", 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')";
  return fold + " = " + sql_literal(to_lower(name));
}

std::string here(const std::string& schema, const std::string& table, const std::string& table_column = "table_name") {
  return " WHERE database_name = current_database() AND " + same("schema_name", schema) + " AND " +
         same(table_column, table);
}

}  // namespace

Marks::Target target_of(const QualifiedName& table) {
  return {to_lower(quote_double(table.schema) + "." + quote_double(table.table)), table};
}

std::string full_name(const DuckdbFile& file, const std::string& schema, const std::string& table) {
  return quote_double(file.catalog()) + "." + quote_double(schema) + "." + quote_double(table);
}

std::string own_prefix(const DuckdbFile& file) {
  return quote_double(file.catalog()) + "." + quote_double(kOwnSchema) + ".";
}

std::string staging_name(const std::string& run, const QualifiedName& target) {
  return "_pulk_stage_" + run + "_" + xxh128_hex(target_of(target).key).substr(0, 8);
}

bool schema_exists(DuckdbFile& file, const std::string& schema) {
  return file.number("SELECT count(*) FROM duckdb_schemas() WHERE database_name = current_database() AND " +
                     same("schema_name", schema)) > 0;
}

bool table_exists(DuckdbFile& file, const std::string& schema, const std::string& table) {
  return file.number("SELECT count(*) FROM duckdb_tables()" + here(schema, table)) > 0;
}

void refuse_view(DuckdbFile& file, const QualifiedName& table) {
  if (file.number("SELECT count(*) FROM duckdb_views()" + here(table.schema, table.table, "view_name")) > 0)
    throw Error(ErrorKind::refused, "the target is a view", table.display(), "name another target table");
}

std::optional<DeployedTable> describe(DuckdbFile& file, const QualifiedName& table) {
  refuse_view(file, table);
  const auto columns = file.query("SELECT column_name, data_type, is_nullable::VARCHAR, "
                                  "(column_default IS NOT NULL)::VARCHAR FROM duckdb_columns()" +
                                  here(table.schema, table.table) + " ORDER BY column_index");
  if (columns.empty()) return std::nullopt;
  DeployedTable deployed;
  deployed.rows = file.number("SELECT count(*) FROM " + quote_double(table.schema) + "." + quote_double(table.table));
  for (const auto& column : columns) 
    deployed.columns.push_back({column.at(0), column.at(1), column.at(2) == "true", column.at(3) == "true"});
  for (const auto& key : file.query("SELECT unnest(constraint_column_names) FROM duckdb_constraints()" +
                                    here(table.schema, table.table) + " AND constraint_type = 'PRIMARY KEY'"))
    deployed.primary_key.push_back(key.at(0));
  return deployed;
}

std::string plain_ddl(DuckdbFile& file, const QualifiedName& table) {
  const std::string where = here(table.schema, table.table);
  const auto rows = file.query(
      "SELECT sql, (comment IS NULL AND (SELECT count(*) FROM duckdb_indexes()" + where +
      ") = 0 AND (SELECT count(*) FROM duckdb_columns()" + where + " AND comment IS NOT NULL) = 0 AND "
      "(SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY' AND " +
      same("referenced_table", table.table) + ") = 0)::VARCHAR FROM duckdb_tables()" + where);
  return rows.size() == 1 && rows[0].at(1) == "true" ? rows[0].at(0) : "";
}

bool made_by_pulk(DuckdbFile& file, const QualifiedName& table) {
  const std::string ddl = plain_ddl(file, table);
  if (ddl.empty()) return false;
  return file.number("SELECT count(*) FROM " + own_prefix(file) + "made WHERE target = " +
                     sql_literal(target_of(table).key) + " AND ddl = " + sql_literal(ddl)) > 0;
}

void remember_made(DuckdbFile& file, const QualifiedName& table) {
  const std::string key = sql_literal(target_of(table).key);
  file.execute("DELETE FROM " + own_prefix(file) + "made WHERE target = " + key);
  file.execute("INSERT INTO " + own_prefix(file) + "made VALUES (" + key + ", " +
               sql_literal(plain_ddl(file, table)) + ")");
}

std::int64_t widest_row(DuckdbFile& file, const QualifiedName& table) {
  return file.number("SELECT coalesce(max(widest_row), 0) FROM " + own_prefix(file) + "width WHERE target = " +
                     sql_literal(target_of(table).key));
}

void remember_width(DuckdbFile& file, const QualifiedName& table, std::int64_t bytes) {
  if (bytes <= widest_row(file, table)) return;
  const std::string key = sql_literal(target_of(table).key);
  file.execute("DELETE FROM " + own_prefix(file) + "width WHERE target = " + key);
  file.execute("INSERT INTO " + own_prefix(file) + "width VALUES (" + key + ", " + std::to_string(bytes) + ")");
}

}  // namespace pulk::duckdb
