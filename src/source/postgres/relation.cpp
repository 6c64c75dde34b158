#include "source/postgres/relation.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/strings.h"
#include "source/dialect/postgres.h"
#include "source/postgres/type_parts.h"

namespace pulk::postgres {
namespace {

// A relation and all that inherit from it, partitions of partitions too.
const std::string tree_of_first_parameter =
    "tree(oid) AS (SELECT $1::pg_catalog.oid UNION SELECT i.inhrelid FROM tree"
    " JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)";

// "ext.hstore" and "\"Pair\"" without schema and quotes.
std::string unqualified(const std::string& type) {
  std::string name;
  bool quoted = false;
  for (const char c : type) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      name.clear();
    } else {
      name += c;
    }
  }
  return name;
}

// The names of a type beside the one that format_type() writes (PostgreSQL documentation, table "Data Types").
std::vector<std::string> aliases_of(const std::string& type) {
  static const std::map<std::string, std::vector<std::string>> aliases = {
      {"bigint", {"int8", "bigserial", "serial8"}},
      {"integer", {"int", "int4", "serial", "serial4"}},
      {"smallint", {"int2", "smallserial", "serial2"}},
      {"boolean", {"bool"}},
      {"numeric", {"decimal"}},
      {"real", {"float4"}},
      {"double precision", {"float8", "float"}},
      {"character varying", {"varchar"}},
      {"character", {"char", "bpchar"}},
      {"time without time zone", {"time"}},
      {"timestamp without time zone", {"timestamp"}},
      {"timestamp with time zone", {"timestamptz"}},
      {"time with time zone", {"timetz"}},
      {"bit varying", {"varbit"}},
      {"\"char\"", {}},  // without its quotes it is another type
  };
  if (type.ends_with("[]")) {
    std::vector<std::string> names = aliases_of(type.substr(0, type.size() - 2));
    for (std::string& name : names) name += "[]";
    return names;
  }
  if (const auto found = aliases.find(type); found != aliases.end()) return found->second;
  // A type outside the search_path is written with its schema, one with capitals or blanks in quotes.
  const std::string plain = unqualified(type);
  return plain == type ? std::vector<std::string>() : std::vector<std::string>{plain};
}

CatalogColumn column_from(const pg::Result& rows, int row) {
  // name, type, typmod, is enum, native, bare, not null, domain, attnum, may select
  CatalogColumn column;
  column.column.name = rows.text(row, 0);
  column.type = static_cast<std::uint32_t>(rows.integer(row, 1));
  column.typmod = static_cast<int>(rows.integer(row, 2));
  column.is_enum = rows.boolean(row, 3);
  column.column.native_type = rows.text(row, 4);
  column.column.bare_type = rows.text(row, 5);
  column.column.type_aliases = aliases_of(column.column.bare_type);
  column.column.nullable = !rows.boolean(row, 6);
  if (!rows.is_null(row, 7)) column.column.note = "domain " + rows.text(row, 7);
  column.attnum = static_cast<int>(rows.integer(row, 8));
  column.may_select = rows.boolean(row, 9);
  return column;
}

void classify(pg::Statements& connection, std::vector<CatalogColumn>& columns) {
  look_into_types(connection, columns);
  for (CatalogColumn& column : columns) classify(column);
}

std::vector<CatalogColumn> relation_columns(pg::Statements& connection, const std::string& oid) {
  // NOT NULL of a domain is left out on purpose: a column of such a type can hold NULL all the same (CREATE DOMAIN).
  // NOT NULL of a parent says nothing about children that dropped it, nor, since PostgreSQL 18, when not validated.
  const pg::Result rows = connection.query("WITH RECURSIVE " + tree_of_first_parameter +
                                               R"(, typed AS (
  SELECT a.attnum, a.atttypid AS type, a.atttypmod AS typmod FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT d.attnum, t.typbasetype, t.typtypmod FROM typed d JOIN pg_catalog.pg_type t ON t.oid = d.type
   WHERE t.typtype = 'd')
SELECT a.attname, b.type, b.typmod, t.typtype = 'e', pg_catalog.format_type(b.type, b.typmod),
       pg_catalog.format_type(b.type, NULL),
       a.attnotnull
         AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.conrelid = a.attrelid AND c.contype = 'n'
                          AND c.conkey[1] = a.attnum AND NOT c.convalidated)
         AND NOT EXISTS (SELECT 1 FROM tree JOIN pg_catalog.pg_attribute child ON child.attrelid = tree.oid
                          AND child.attname = a.attname AND NOT child.attisdropped AND NOT child.attnotnull),
       CASE WHEN a.atttypid <> b.type THEN pg_catalog.format_type(a.atttypid, NULL) END,
       a.attnum, pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
  FROM pg_catalog.pg_attribute a
  JOIN typed b ON b.attnum = a.attnum
  JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
 WHERE a.attrelid = $1::pg_catalog.oid
 ORDER BY a.attnum)",
                                           {oid});
  std::vector<CatalogColumn> columns;
  for (int i = 0; i < rows.rows(); ++i) columns.push_back(column_from(rows, i));
  classify(connection, columns);
  return columns;
}

void check_privileges(pg::Statements& connection, const Relation& relation) {
  const pg::Result user = connection.exec("SELECT current_user");
  const std::string login = user.text(0, 0);
  const std::string target = qualified(relation.name);
  if (!connection.query("SELECT pg_catalog.has_schema_privilege($1, 'USAGE')", {relation.name.schema}).boolean(0, 0)) {
    throw Error(ErrorKind::refused, "login " + login + " lacks USAGE on schema " + quote_double(relation.name.schema),
                relation.name.display(),
                "GRANT USAGE ON SCHEMA " + quote_double(relation.name.schema) + " TO " + quote_double(login));
  }
  if (relation.select_on_table) return;
  std::vector<std::string> missing;
  for (const CatalogColumn& column : relation.columns) {
    if (!column.may_select) missing.push_back(quote_double(column.column.name));
  }
  if (missing.empty()) return;
  const bool none = missing.size() == relation.columns.size();
  const std::string what = none ? "SELECT" : "SELECT (" + join(missing, ", ") + ")";
  throw Error(ErrorKind::refused, "login " + login + " lacks " + what + " on " + target, relation.name.display(),
              "GRANT " + what + " ON " + target + " TO " + quote_double(login));
}

struct Found {
  std::string oid;
  char kind;
};

std::optional<Found> lookup(pg::Statements& connection, const std::string& schema, const std::string& table) {
  const pg::Result rows = connection.query(
      "SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
      " WHERE n.nspname = $1 AND c.relname = $2",
      {schema, table});
  if (rows.rows() == 0) return std::nullopt;
  return Found{rows.text(0, 0), rows.view(0, 1)[0]};
}

[[noreturn]] void not_found(pg::Statements& connection, const std::string& schema, const std::string& table) {
  const std::string shown = quote_double(schema) + "." + quote_double(table);
  std::vector<std::string> names;
  for (const QualifiedName& name : list_relations(connection, schema)) names.push_back(name.table);
  std::string hint;
  if (const auto near = did_you_mean(table, names)) {
    hint = "did you mean " + quote_double(*near) + "?";
  } else if (names.empty()) {
    hint = "schema " + quote_double(schema) + " has no tables that this login can see";
  }
  throw Error(ErrorKind::usage, "there is no table " + shown, QualifiedName{"", schema, table}.display(), hint);
}

Relation load_relation(pg::Statements& connection, const Found& found) {
  const pg::Result row = connection.query(
      R"(SELECT n.nspname, c.relname, pg_catalog.current_database(),
       EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid),
       coalesce((SELECT a.amname = 'heap' FROM pg_catalog.pg_am a WHERE a.oid = c.relam), true),
       c.relrowsecurity AND pg_catalog.row_security_active(c.oid), pg_catalog.has_table_privilege(c.oid, 'SELECT')
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = $1::pg_catalog.oid)",
      {found.oid});
  if (row.rows() == 0) throw Error(ErrorKind::retryable, "the table was dropped a moment ago");
  Relation relation;
  relation.oid = found.oid;
  relation.kind = found.kind;
  relation.name = {row.text(0, 2), row.text(0, 0), row.text(0, 1)};
  if (std::string_view("rpvmf").find(found.kind) == std::string_view::npos) {
    throw Error(ErrorKind::usage, "this is neither a table nor a view", relation.name.display());
  }
  relation.has_children = row.boolean(0, 3);
  relation.heap = row.boolean(0, 4);
  relation.row_security = row.boolean(0, 5);
  relation.select_on_table = row.boolean(0, 6);
  relation.columns = relation_columns(connection, relation.oid);
  check_privileges(connection, relation);
  return relation;
}

}  // namespace

Relation find_relation(pg::Statements& connection, const QualifiedName& name) {
  if (const auto found = lookup(connection, name.schema, name.table)) return load_relation(connection, *found);
  not_found(connection, name.schema, name.table);
}

Relation find_relation(pg::Statements& connection, const TableRequest& request) {
  const std::string database = connection.exec("SELECT pg_catalog.current_database()").text(0, 0);
  if (!request.database.empty() && !matches(request.database, database, NameRule::lower)) {
    throw Error(ErrorKind::usage,
                "the table is in database " + quote_double(fold(request.database, NameRule::lower)) +
                    ", the connection reads " + quote_double(database),
                request.table.text,
                "a PostgreSQL connection sees one database: name that one, or change the connection");
  }
  const std::string table = fold(request.table, NameRule::lower);
  std::string schema = request.schema.empty() ? "public" : fold(request.schema, NameRule::lower);
  if (request.schema.empty()) {
    const pg::Result rows = connection.query(
        "SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident($1))::pg_catalog.oid",
        {table});
    if (rows.rows() == 1) schema = rows.text(0, 0);
  }
  return find_relation(connection, QualifiedName{database, schema, table});
}

std::vector<CatalogColumn> query_columns(pg::Statements& connection, const std::string& query) {
  const std::vector<pg::Field> fields = connection.describe(bare_query(query));
  std::vector<std::string> types, typmods;
  for (const pg::Field& field : fields) {
    types.push_back(std::to_string(field.type));
    typmods.push_back(std::to_string(field.typmod));
  }
  // The server has already followed domains to their base types.
  const pg::Result rows = connection.query(
      R"(SELECT '', f.type, f.typmod, t.typtype = 'e', pg_catalog.format_type(f.type, f.typmod),
       pg_catalog.format_type(f.type, NULL), false, NULL, 0, true
  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int4[]))
       WITH ORDINALITY AS f(type, typmod, position)
  JOIN pg_catalog.pg_type t ON t.oid = f.type
 ORDER BY f.position)",
      {array_literal(types), array_literal(typmods)});
  std::vector<CatalogColumn> columns;
  for (int i = 0; i < rows.rows(); ++i) {
    CatalogColumn column = column_from(rows, i);
    column.column.name = fields[static_cast<std::size_t>(i)].name;
    for (const CatalogColumn& other : columns) {
      if (other.column.name == column.column.name) {
        throw Error(ErrorKind::usage, "the query gives two columns named " + quote_double(other.column.name), "",
                    "name them with AS");
      }
    }
    columns.push_back(std::move(column));
  }
  classify(connection, columns);
  return columns;
}

std::vector<std::string> names_of(const std::vector<CatalogColumn>& columns) {
  std::vector<std::string> names;
  for (const CatalogColumn& column : columns) names.push_back(column.column.name);
  return names;
}

std::string fingerprint_of(const std::vector<CatalogColumn>& columns) {
  std::string text;
  for (const CatalogColumn& column : columns) {
    text += column.column.name + '\x1f' + column.column.native_type + '\x1f' + (column.column.nullable ? "1" : "0");
    if (!column.layout.empty()) text += '\x1f' + column.layout;
    text += '\x1e';
  }
  return xxh128_hex(text);
}

Estimate estimate_storage(pg::Statements& connection, const Relation& relation) {
  // Rows from the density at the last ANALYZE and today's pages, as the server's planner does; for tables that were
  // never analyzed, from the width of the columns.
  const pg::Result row = connection.query("WITH RECURSIVE " + tree_of_first_parameter +
                                              R"(, leaf AS (
  SELECT c.oid, c.reltuples, c.relpages,
         pg_catalog.pg_relation_size(c.oid)::pg_catalog.float8
           / pg_catalog.current_setting('block_size')::pg_catalog.float8 AS pages
    FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid WHERE c.relkind IN ('r', 'm')),
width AS (
  SELECT 28 + coalesce(sum(CASE WHEN a.attlen > 0 THEN a.attlen
                                WHEN a.atttypmod BETWEEN 5 AND 100 THEN a.atttypmod / 2 ELSE 32 END), 0) AS bytes
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped)
SELECT coalesce(round(sum(CASE WHEN reltuples >= 0 AND relpages > 0 THEN reltuples / relpages * pages
                     ELSE pages * 8100 / (SELECT bytes FROM width) END)), 0)::pg_catalog.int8,
       coalesce(sum(pg_catalog.pg_table_size(oid)), 0)::pg_catalog.int8
  FROM leaf)",
                                          {relation.oid});
  return {row.integer(0, 0), row.integer(0, 1)};
}

Estimate explain(pg::Statements& connection, const std::string& select) {
  const pg::Result row = connection.exec("EXPLAIN (FORMAT JSON) " + select);
  const auto plan = nlohmann::json::parse(row.view(0, 0), nullptr, /*allow_exceptions=*/false);
  if (!plan.is_array() || plan.empty() || !plan[0].contains("Plan")) return {};
  const double rows = plan[0]["Plan"].value("Plan Rows", -1.0);
  const double width = plan[0]["Plan"].value("Plan Width", 0.0);
  if (rows < 0) return {};
  return {static_cast<std::int64_t>(std::min(rows, 1e18)), static_cast<std::int64_t>(std::min(rows * width, 1e18))};
}

std::vector<std::string> primary_key(pg::Statements& connection, const Relation& relation) {
  const pg::Result rows = connection.query(
      R"(SELECT a.attname
  FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(attnum, position)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::pg_catalog.oid AND a.attnum = k.attnum
 WHERE i.indrelid = $1::pg_catalog.oid AND i.indisprimary AND k.position <= i.indnkeyatts
 ORDER BY k.position)",
      {relation.oid});
  std::vector<std::string> names;
  for (int i = 0; i < rows.rows(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

std::vector<QualifiedName> list_relations(pg::Statements& connection, const std::string& schema) {
  // Partitions are left out: they travel with their parent.
  const pg::Result rows = connection.query(
      R"(SELECT pg_catalog.current_database(), n.nspname, c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
   AND CASE WHEN $1 = '' THEN n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ELSE n.nspname = $1 END
 ORDER BY n.nspname, c.relname)",
      {schema});
  std::vector<QualifiedName> names;
  for (int i = 0; i < rows.rows(); ++i) names.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2)});
  return names;
}

}  // namespace pulk::postgres
