#include "source/odbc/sqlite_catalog.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/sqlite.h"
#include "source/odbc/catalog_rows.h"
#include "source/odbc/cell_parser.h"

namespace pulk::odbc {
namespace {

constexpr std::int64_t kSampleRows = 64;

std::string text_of(const std::optional<std::string>& cell) { return cell.value_or(""); }

// pragma_table_xinfo: name, type, notnull, pk, hidden.
struct ListedColumn {
  std::string name, type;
  bool not_null = false;
  std::int64_t key_position = 0;
};

std::vector<ListedColumn> list_columns(Connection& connection, const std::string& schema, const std::string& table) {
  // hidden = 1: columns of virtual tables that SELECT * does not give; 2 and 3 are generated columns.
  const auto rows = connection.query("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(" + sql_literal(table) +
                                     ", " + sql_literal(schema) + ") WHERE hidden <> 1 ORDER BY cid");
  std::vector<ListedColumn> columns;
  for (const Row& row : rows) {
    columns.push_back({text_of(row[0]), text_of(row[1]), text_of(row[2]) != "0", to_number(row[3])});
  }
  return columns;
}

SourceColumn source_column(const ListedColumn& listed) {
  const sqlite::DeclaredType type = sqlite::declared_type(listed.type);
  SourceColumn column;
  column.name = listed.name;
  // What STRICT tables call a column that takes any value; so that a mapping can name it.
  column.native_type = trim(listed.type).empty() ? "ANY" : listed.type;
  column.bare_type = type.bare.empty() ? "ANY" : type.bare;
  column.nullable = !listed.not_null;
  column.logical = type.logical;
  column.refusal = type.refusal;
  column.note = type.note;
  return column;
}

class TemporaryView {
 public:
  TemporaryView(Connection& connection, const std::string& query) : connection_(connection) {
    connection_.execute("CREATE TEMP VIEW pulk_query AS " + query);
  }
  ~TemporaryView() {
    try {
      connection_.execute("DROP VIEW temp.pulk_query");
    } catch (const Error&) {
      // The connection is lost, and the view with it.
    }
  }
  TemporaryView(const TemporaryView&) = delete;
  TemporaryView& operator=(const TemporaryView&) = delete;

 private:
  Connection& connection_;
};

// The driver's own labels are cut at dots and its types guessed from the first row; a view has the declared ones.
SqliteObject find_query(Connection& connection, const std::string& query, const std::string& filter) {
  SqliteObject found;
  found.kind = ObjectKind::query;
  found.object.query = bare_query(query);
  found.object.filter = filter;
  // One SELECT and no more: the driver runs whatever follows a CREATE after a semicolon.
  connection.query("SELECT * FROM " + sqlite::from_item(found.object) + " LIMIT 0");
  const TemporaryView view(connection, found.object.query);
  for (const ListedColumn& column : list_columns(connection, "temp", "pulk_query")) {
    found.columns.push_back(source_column(column));
  }
  return found;
}

void check_schema(Connection& connection, const TableRequest& request) {
  const auto fits = [](const WrittenName& name, std::string_view actual) {
    return name.empty() || iequals(name.text, actual);
  };
  if (!fits(request.schema, "main")) {
    throw Error(ErrorKind::usage, "SQLite has no schema " + request.schema.text, connection.subject(),
                "leave schemaName out, or write main");
  }
  const auto file = std::filesystem::path(
      connection.value("SELECT file FROM pragma_database_list WHERE name = 'main'").value_or(""));
  if (!fits(request.database, "main") && !fits(request.database, file.filename().string()) &&
      !fits(request.database, file.stem().string())) {
    throw Error(ErrorKind::usage, "the connection is to the database " + file.stem().string() + ", not to " +
                request.database.text, connection.subject(), "leave databaseName out");
  }
}

std::string free_rowid_name(const std::vector<ListedColumn>& columns) {
  for (const char* name : {"rowid", "_rowid_", "oid"}) {
    const bool taken = std::any_of(columns.begin(), columns.end(),
                                   [&](const ListedColumn& column) { return iequals(column.name, name); });
    if (!taken) return name;
  }
  return "";
}

// INTEGER PRIMARY KEY is the rowid itself and has no index of its own; every other primary key has one.
bool key_is_rowid(Connection& connection, const std::string& table) {
  return to_number(connection.value("SELECT count(*) FROM pragma_index_list(" + sql_literal(table) +
                                    ", 'main') WHERE origin = 'pk'")) == 0;
}

[[noreturn]] void no_such_table(Connection& connection, const std::string& name) {
  const auto near = did_you_mean(name, table_names(connection));
  throw Error(ErrorKind::usage, "there is no table or view " + name, connection.subject(),
              near ? "did you mean " + *near + "?" : "");
}

SqliteObject find_table(Connection& connection, const std::string& name, const std::string& filter) {
  const auto rows = connection.query(
      "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
      "AND name = " + sql_literal(name) + " COLLATE NOCASE");
  if (rows.empty()) no_such_table(connection, name);
  SqliteObject found;
  found.object.name.table = text_of(rows[0][0]);
  found.object.filter = filter;
  const std::string type = text_of(rows[0][1]);
  found.kind = type == "view" ? ObjectKind::view : ObjectKind::table;
  if (type == "virtual") found.notes.emplace_back("virtual table: its module decides what a snapshot is");

  const auto columns = list_columns(connection, "main", found.object.name.table);
  std::vector<const ListedColumn*> key;
  for (const ListedColumn& column : columns) {
    if (column.key_position > 0) key.push_back(&column);
  }
  std::sort(key.begin(), key.end(), [](const auto* a, const auto* b) { return a->key_position < b->key_position; });
  for (const ListedColumn* column : key) found.primary_key.push_back(column->name);

  const bool has_rowid = type == "table" && text_of(rows[0][2]) == "0";
  if (has_rowid && key.size() == 1 && key_is_rowid(connection, found.object.name.table)) {
    found.rowid_alias = key.front()->name;
  }
  if (has_rowid) found.rowid = found.rowid_alias.empty() ? free_rowid_name(columns) : sqlite::quote(found.rowid_alias);
  for (const ListedColumn& column : columns) {
    found.columns.push_back(source_column(column));
    // The rowid is never NULL, with or without NOT NULL; other primary keys of rowid tables may hold NULL.
    if (column.name == found.rowid_alias) found.columns.back().nullable = false;
  }
  return found;
}

std::int64_t average_row_bytes(Connection& connection, const SqliteObject& found) {
  std::string lengths;
  for (const SourceColumn& column : found.columns) {
    lengths += (lengths.empty() ? "" : " + ") + ("ifnull(length(" + sqlite::quote(column.name) + "), 0)");
    // A sum of a thousand terms is deeper than SQLite takes; the first columns will do for an estimate.
    if (lengths.size() > 8000) break;
  }
  const std::string from = sqlite::from_item(found.object);
  std::string rows = "SELECT " + lengths + " AS bytes FROM " + from;
  if (found.rowid.empty()) {
    rows += " LIMIT " + std::to_string(kSampleRows);
  } else {
    const auto sample = sample_rowids(connection, found, kSampleRows);
    if (sample.empty()) return 0;
    rows += " WHERE " + found.rowid + " IN (VALUES " + values_list(sample) + ")";
  }
  return to_number(connection.value("SELECT CAST(avg(bytes) AS INTEGER) FROM (" + rows + ")"));
}

}  // namespace

std::string values_list(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const std::int64_t number : numbers) text += (text.empty() ? "(" : ",(") + std::to_string(number) + ")";
  return text;
}

std::vector<std::string> table_names(Connection& connection) {
  std::vector<std::string> names;
  for (const Row& row : connection.query("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN "
                                         "('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                                         "ORDER BY name")) {
    names.push_back(text_of(row[0]));
  }
  return names;
}

SqliteObject find_object(Connection& connection, const TableRequest& request) {
  if (!request.query.empty()) return find_query(connection, request.query, request.filter);
  check_schema(connection, request);
  return find_table(connection, request.table.text, request.filter);
}

SqliteObject find_planned(Connection& connection, const SourceObject& object) {
  try {
    return object.is_query() ? find_query(connection, object.query, object.filter)
                             : find_table(connection, object.name.table, object.filter);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    throw Error(ErrorKind::drift, "what was planned is not there any more: " + error.message(), error.subject());
  }
}

std::int64_t count_rows(Connection& connection, const SourceObject& object) {
  return to_number(connection.value("SELECT count(*) FROM " + sqlite::from_item(object) +
                                    where_clause({object.filter})));
}

std::vector<std::int64_t> sample_rowids(Connection& connection, const SqliteObject& found, std::int64_t points) {
  const std::string from = sqlite::from_item(found.object);
  const std::string& rowid = found.rowid;
  // Two subqueries: one query with both min and max would read the whole table.
  const auto ends = connection.query("SELECT (SELECT min(" + rowid + ") FROM " + from + "), (SELECT max(" + rowid +
                                     ") FROM " + from + ")");
  if (ends.empty() || !ends[0][0]) return {};
  const std::int64_t first = to_number(ends[0][0]);
  const std::int64_t last = to_number(ends[0][1]);
  const Int128 span = static_cast<Int128>(last) - first;
  std::vector<std::int64_t> wanted;
  const std::int64_t steps = std::max<std::int64_t>(1, points - 1);
  for (std::int64_t i = 0; i <= steps; ++i) wanted.push_back(static_cast<std::int64_t>(first + span * i / steps));
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<std::int64_t> sample;
  for (const Row& row : connection.query(
           "WITH point(x) AS (VALUES " + values_list(wanted) + ") SELECT DISTINCT (SELECT " + rowid + " FROM " + from +
           " WHERE " + rowid + " >= x ORDER BY " + rowid + " LIMIT 1) AS r FROM point WHERE r IS NOT NULL ORDER BY r")) {
    sample.push_back(to_number(row[0]));
  }
  return sample;
}

TableInfo describe(Connection& connection, const TableRequest& request) {
  const SqliteObject found = find_object(connection, request);
  TableInfo info;
  info.object = found.object;
  info.kind = found.kind;
  info.columns = found.columns;
  info.primary_key = found.primary_key;
  info.fingerprint = fingerprint_of(found.columns);
  info.notes = found.notes;
  if (found.kind == ObjectKind::table) {
    // Without a filter SQLite counts the cells of the smallest b-tree page by page and looks into no row.
    info.rows_estimate = to_number(connection.value("SELECT count(*) FROM " + sqlite::from_item(found.object)));
    info.bytes_estimate = info.rows_estimate * average_row_bytes(connection, found);
  }
  return info;
}

}  // namespace pulk::odbc
