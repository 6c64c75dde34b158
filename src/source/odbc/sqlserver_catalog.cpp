#include "source/odbc/sqlserver_catalog.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/sqlserver.h"
#include "source/odbc/catalog_rows.h"

namespace pulk::odbc {
namespace {

// SQL Server's pages.
constexpr std::int64_t kPageBytes = 8192;

struct Found {
  std::string schema, name;
  std::string kind;  // sys.objects.type: U, V
  std::string id;
};

std::vector<Found> list_objects(Connection& connection) {
  std::vector<Found> found;
  for (const Row& row : connection.query(
           "SELECT s.name, o.name, RTRIM(o.type), CONVERT(varchar(12), o.object_id) FROM sys.objects AS o JOIN "
           "sys.schemas AS s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY "
           "s.name, o.name"))
    found.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or("")});
  return found;
}

bool answers(const WrittenName& written, const std::string& name) {
  return written.text == name || (!written.exact && iequals(written.text, name));
}

// Among several, those that are named exactly, then those of the login's own schema.
void prefer(std::vector<Found>& found, const std::function<bool(const Found&)>& better) {
  if (std::any_of(found.begin(), found.end(), better))
    std::erase_if(found, [&](const Found& object) { return !better(object); });
}

Found find_object(Connection& connection, const TableRequest& request) {
  std::vector<Found> found;
  std::vector<std::string> names;
  for (Found& object : list_objects(connection)) {
    if (!request.schema.empty() && !answers(request.schema, object.schema)) continue;
    names.push_back(object.name);
    if (answers(request.table, object.name)) found.push_back(std::move(object));
  }
  if (found.empty()) {
    const auto near = did_you_mean(request.table.text, names);
    throw Error(ErrorKind::usage,
                "there is no table or view " + request.table.text +
                    (request.schema.empty() ? "" : " in the schema " + request.schema.text),
                connection.subject(), near ? "did you mean " + *near + "?" : "does the login have SELECT on it?");
  }
  prefer(found, [&](const Found& object) { return object.name == request.table.text; });
  prefer(found, [&](const Found& object) { return object.schema == request.schema.text; });
  if (found.size() > 1 && request.schema.empty()) {
    const std::string own = connection.value("SELECT SCHEMA_NAME()").value_or("dbo");
    prefer(found, [&](const Found& object) { return object.schema == own; });
  }
  if (found.size() == 1) return found.front();
  std::vector<std::string> shown;
  for (const Found& object : found) shown.push_back(object.schema + "." + object.name);
  throw Error(ErrorKind::usage, "several tables answer to " + request.table.text + ": " + join(shown, ", "),
              connection.subject(), "name schemaName, or write the name exactly, in brackets");
}

// Columns of sys.columns that came with later versions than the oldest server that answers.
std::string optional_column(const std::set<std::string>& there, const std::string& name) {
  return there.contains(name) ? "CONVERT(int, c." + name + ")" : "0";
}

SourceColumn source_column(std::string name, const sqlserver::ListedType& type, bool nullable) {
  const sqlserver::MeaningOfType means = sqlserver::meaning_of(type);
  SourceColumn column;
  column.name = std::move(name);
  column.native_type = sqlserver::written(type);
  column.bare_type = type.name;
  column.nullable = nullable;
  column.logical = means.logical;
  column.refusal = means.refusal;
  column.readable_as_text = means.readable_as_text;
  column.note = means.note;
  if (type.name == "decimal") column.type_aliases = {"numeric"};
  if (type.name == "numeric") column.type_aliases = {"decimal"};
  if (type.name == "timestamp") column.type_aliases = {"rowversion"};
  return column;
}

void refuse(SourceColumn& column, const std::string& why) {
  column.logical.reset();
  column.refusal = why;
  column.readable_as_text = false;
}

std::string collation_of_database(Connection& connection) {
  return connection.value("SELECT CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation'))").value_or("");
}

void add_columns(Connection& connection, const Found& found, bool encrypted_columns, ServerObject& object) {
  std::set<std::string> there;
  for (const Row& row : connection.query(
           "SELECT name FROM sys.all_columns WHERE object_id = OBJECT_ID(N'sys.columns') AND name IN (N'is_hidden', "
           "N'is_masked', N'encryption_type')"))
    there.insert(row[0].value_or(""));
  const std::string encryption = there.contains("encryption_type") ? "CONVERT(int, c.encryption_type)" : "NULL";
  const auto rows = connection.query(
      "SELECT c.name, LOWER(ISNULL(b.name, t.name)), c.max_length, c.precision, c.scale, CONVERT(int, c.is_nullable), "
      "c.collation_name, CONVERT(int, t.is_assembly_type), CASE WHEN t.is_user_defined = 1 THEN t.name END, "
      "CONVERT(int, c.is_column_set), " +
      optional_column(there, "is_hidden") + ", " + optional_column(there, "is_masked") + ", " + encryption +
      " FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.user_type_id LEFT JOIN sys.types AS b ON "
      "t.is_user_defined = 1 AND b.user_type_id = c.system_type_id WHERE c.object_id = " +
      found.id + " ORDER BY c.column_id");
  const std::string of_database = collation_of_database(connection);
  bool masked = false;
  for (const Row& row : rows) {
    sqlserver::ListedType type;
    type.name = row[1].value_or("");
    type.max_length = to_number(row[2]);
    type.precision = static_cast<int>(to_number(row[3]));
    type.scale = static_cast<int>(to_number(row[4]));
    const std::string collation = row[6].value_or("");
    if (collation != of_database && type.name != "xml" && type.name != "json") type.collation = collation;
    type.assembly = row[7] == "1";
    const std::string name = row[0].value_or("");
    if (row[9] == "1") {
      object.notes.push_back("the column set " + name + " is left out: its sparse columns are read themselves");
      continue;
    }
    SourceColumn column = source_column(name, type, row[5] == "1");
    if (row[8]) column.type_aliases.push_back(*row[8]);
    if (row[10] == "1") column.note = "a hidden column, which SELECT * leaves out";
    if (row[11] == "1") {
      if (!masked && connection.value("SELECT HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UNMASK')") == "1")
        masked = true;
      if (!masked) refuse(column, "the column is masked for this login: GRANT UNMASK, or leave the column out");
    }
    if (row[12] && !encrypted_columns)
      refuse(column,
             "the column is encrypted (Always Encrypted): ColumnEncryption = \"Enabled\" in odbc_options has the "
             "driver decrypt it");
    object.columns.push_back(std::move(column));
  }
}

void add_key(Connection& connection, const Found& found, ServerObject& object) {
  for (const Row& row : connection.query(
           "SELECT c.name FROM sys.indexes AS i JOIN sys.index_columns AS k ON k.object_id = i.object_id AND "
           "k.index_id = "
           "i.index_id JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id WHERE "
           "i.is_primary_key = 1 AND i.object_id = " +
           found.id + " ORDER BY k.key_ordinal"))
    object.primary_key.push_back(row[0].value_or(""));
}

void add_size(Connection& connection, const Found& found, ServerObject& object) {
  const auto rows = connection.query(
      "SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.index_id IN (0, 1) AND p.object_id = " + found.id);
  if (!rows.empty() && rows[0][0]) object.rows_estimate = to_number(rows[0][0]);
  // In-row and row-overflow data hang on the heap or clustered index, large objects on the partition itself.
  const auto pages = connection.value(
      "SELECT SUM(a.used_pages) FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = CASE WHEN "
      "a.type = 2 THEN p.partition_id ELSE p.hobt_id END WHERE p.index_id IN (0, 1) AND p.object_id = " +
      found.id);
  if (pages) object.bytes_estimate = to_number(pages) * kPageBytes;
}

void add_notes(Connection& connection, const Found& found, ServerObject& object) {
  // Both came with SQL Server 2016.
  if (!connection.value("SELECT OBJECT_ID(N'sys.security_policies')")) return;
  const auto policies = connection.value(
      "SELECT COUNT(*) FROM sys.security_predicates AS p JOIN sys.security_policies AS s ON s.object_id = p.object_id "
      "WHERE "
      "s.is_enabled = 1 AND p.target_object_id = " +
      found.id);
  if (to_number(policies) > 0)
    object.notes.emplace_back("row-level security is on: only the rows that this login may see are read");
}

// Hints that see past the transaction's moment, and other servers. `text`: of a view or query.
bool looks_past_the_moment(const std::string& text) {
  const std::string lower = to_lower(text);
  for (const char* word : {"nolock", "readuncommitted", "readpast", "openquery", "openrowset", "opendatasource"})
    if (lower.find(word) != std::string::npos) return true;
  return false;
}

// What a view or query reads beside this database's moment; a view's tables are known, those of a query only by its
// words.
void judge_moment(Connection& connection, const std::string& text, const std::string& id, ServerObject& object) {
  bool past = text.empty() || looks_past_the_moment(text);
  if (!id.empty() && !past)
    past = to_number(connection.value(
               "SELECT COUNT(*) FROM sys.sql_expression_dependencies AS d LEFT JOIN sys.synonyms AS s ON s.object_id = "
               "d.referenced_id WHERE d.referencing_id = " +
               id +
               " AND (d.referenced_database_name IS NOT NULL OR d.referenced_server_name IS NOT NULL OR s.object_id IS "
               "NOT "
               "NULL)")) > 0;
  if (id.empty() && !past)
    past = connection.value("SELECT CONVERT(int, source_database_id) FROM sys.databases WHERE name = DB_NAME()")
               .has_value();
  if (!past) return;
  object.transactional = false;
  object.notes.emplace_back(
      "it may read another database, or past locks: what it shows need not be of the transaction's moment");
}

// Masks do not show in the columns of views and queries.
void note_masks(Connection& connection, ServerObject& object) {
  if (!connection.value("SELECT OBJECT_ID(N'sys.masked_columns')")) return;
  if (to_number(connection.value("SELECT COUNT(*) FROM sys.masked_columns WHERE is_masked = 1")) == 0) return;
  if (connection.value("SELECT HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UNMASK')") == "1") return;
  object.notes.emplace_back(
      "the database has masked columns and the login no UNMASK: what comes of them is the mask, not the value");
}

// As the server would describe the result now: what the catalog keeps of a view's columns is as old as the view.
void describe_result(Connection& connection, const std::string& select, ServerObject& object) {
  Statement statement(connection);
  statement.execute("EXEC sys.sp_describe_first_result_set " + sqlserver::text_literal(select));
  const std::vector<Row> rows = statement.rows();
  const std::string of_database = collation_of_database(connection);
  for (const Row& row : rows) {
    // is_hidden, column_ordinal, name, is_nullable, system_type_id, system_type_name, max_length, precision, scale,
    // collation_name, …, assembly_qualified_type_name (15)
    if (row[0] == "1") continue;
    sqlserver::ListedType type;
    const std::string whole = to_lower(row[5].value_or(""));
    type.name = std::string(sqlserver::bare(whole));
    type.max_length = to_number(row[6]);
    type.precision = static_cast<int>(to_number(row[7]));
    type.scale = static_cast<int>(to_number(row[8]));
    if (const std::string collation = row[9].value_or(""); collation != of_database && type.name != "xml")
      type.collation = collation;
    type.assembly = row.size() > 14 && row[14].has_value();
    if (!row[2] || row[2]->empty())
      throw Error(ErrorKind::usage, "a column of the query has no name", connection.subject(), "name it with AS");
    object.columns.push_back(source_column(*row[2], type, row[3] != "0"));
  }
}

}  // namespace

ServerObject find_sqlserver_table(Connection& connection, const TableRequest& request, const std::string& database,
                                  bool encrypted_columns) {
  if (!request.database.empty() && !iequals(request.database.text, database))
    throw Error(ErrorKind::usage,
                "the table is in the database " + request.database.text + ", and the connection reads " + database,
                request.table.text, "a connection reads one database: name the other in a connection of its own");
  const Found found = find_object(connection, request);
  ServerObject object;
  object.object.name = {"", found.schema, found.name};
  object.object.filter = request.filter;
  object.kind = found.kind == "V" ? ObjectKind::view : ObjectKind::table;
  if (object.kind == ObjectKind::table) {
    add_columns(connection, found, encrypted_columns, object);
  } else {
    describe_result(connection, "SELECT * FROM " + sqlserver::quote(found.schema) + "." + sqlserver::quote(found.name),
                    object);
    judge_moment(connection,
                 connection.value("SELECT definition FROM sys.sql_modules WHERE object_id = " + found.id).value_or(""),
                 found.id, object);
    note_masks(connection, object);
  }
  if (object.columns.empty())
    throw Error(ErrorKind::refused, "the login sees no column of " + found.schema + "." + found.name,
                connection.subject(), "GRANT SELECT on the table");
  if (object.kind == ObjectKind::table) {
    add_key(connection, found, object);
    add_size(connection, found, object);
  }
  add_notes(connection, found, object);
  return object;
}

ServerObject find_sqlserver_query(Connection& connection, const TableRequest& request) {
  ServerObject object;
  object.kind = ObjectKind::query;
  object.object.query = bare_query(request.query);
  object.object.filter = request.filter;
  if (object.object.query.size() > 4 && iequals(object.object.query.substr(0, 4), "with") &&
      std::isspace(static_cast<unsigned char>(object.object.query[4])) != 0)
    throw Error(ErrorKind::usage, "the query begins with WITH, which T-SQL allows at the beginning of a statement only",
                connection.subject(), "make it a view, or write what WITH names as a query in brackets");
  describe_result(connection, "SELECT * FROM (" + object.object.query + "\n) AS pulk_query", object);
  judge_moment(connection, object.object.query, "", object);
  note_masks(connection, object);
  return object;
}

std::vector<QualifiedName> list_sqlserver_tables(Connection& connection, const WrittenName& schema) {
  std::vector<QualifiedName> names;
  for (const Found& object : list_objects(connection))
    if (schema.empty() || answers(schema, object.schema)) names.push_back({"", object.schema, object.name});
  return names;
}

}  // namespace pulk::odbc
