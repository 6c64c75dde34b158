// MariaDB behind MariaDB Connector/ODBC.
//
// One moment for several connections: InnoDB has snapshots per transaction that no other can join. With a binary log,
// each transaction started WITH CONSISTENT SNAPSHOT tells the position in the log that it sees (status variables
// binlog_snapshot_file and binlog_snapshot_position): transactions with one position see the same content.

#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "source/dialect/clauses.h"
#include "source/dialect/mariadb.h"
#include "source/odbc/server_dialect.h"
#include "source/odbc/catalog_rows.h"

namespace pulk::odbc {
namespace {

// What one lane may hold beside --memory when the driver keeps the whole result of a statement.
constexpr std::int64_t kHeldResult = 32LL << 20;

class MariadbDialect : public ServerDialect {
 public:
  explicit MariadbDialect(std::string database) : database_(std::move(database)) {}

  NameRule name_rule() const override { return NameRule::ignore_case; }
  std::string quote(std::string_view name) const override { return mariadb::quote(name); }

  std::vector<std::string> session_settings() const override {
    return {
        // TIMESTAMP columns are instants, shown in the session's zone.
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        // A lane may wait for the loader between two blocks.
        "SET SESSION net_write_timeout = 3600",
        "SET SESSION sql_select_limit = DEFAULT",
    };
  }

  SourceFacts facts(Connection& connection) const override;
  std::vector<QualifiedName> tables(Connection& connection, const WrittenName& schema) const override;
  ServerObject find(Connection& connection, const TableRequest& request) const override {
    return request.query.empty() ? find_table(connection, request) : find_query(connection, request);
  }

  std::string from_item(const SourceObject& object) const override {
    if (object.is_query()) return "(" + object.query + "\n) AS pulk_query";
    return mariadb::quote(object.name.schema) + "." + mariadb::quote(object.name.table);
  }

  std::string limit(std::int64_t rows) const override { return " LIMIT " + std::to_string(rows); }
  NativeColumn read_as(const ColumnPlan& column) const override;
  bool can_be_key(const SourceColumn& column) const override;
  std::string literal_of(const SourceColumn& column, const std::string& quoted) const override;

  std::int64_t largest_partition_bytes() const override { return kHeldResult; }

  void begin(Connection& connection, const std::vector<ServerObject>&) const override {
    connection.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  }
  std::optional<std::string> moment(Connection& connection) const override;
  std::string why_not_one_moment() const override {
    return "MariaDB has no snapshot that several connections can share, and without a binary log it does not tell "
           "whether they see the same: --parallel 1, or snapshot_lock = true in the connections file, give one moment";
  }
  void lock_writers(Connection& connection, const std::vector<ServerObject>&) const override {
    connection.execute("FLUSH TABLES WITH READ LOCK");
  }
  void unlock_writers(Connection& connection) const override { connection.execute("UNLOCK TABLES"); }

 private:
  std::string database_of(const TableRequest& request) const;
  ServerObject find_table(Connection& connection, const TableRequest& request) const;
  ServerObject find_query(Connection& connection, const TableRequest& request) const;

  std::string database_;
};

SourceFacts MariadbDialect::facts(Connection& connection) const {
  SourceFacts facts;
  const auto rows = connection.query("SELECT version(), @@hostname, @@port, @@server_id, @@read_only");
  const Row& row = rows.at(0);
  const std::string driver = connection.info(SQL_DRIVER_VER);
  facts.product = "MariaDB " + row[0].value_or("") + " (" + connection.info(SQL_DRIVER_NAME) + " " + driver + ")";
  facts.identity = "mariadb:" + row[1].value_or("") + ":" + row[2].value_or("") + "/" + row[3].value_or("");
  if (row[4].value_or("0") != "0") facts.notes.emplace_back("the server is read-only: perhaps a replica");
  facts.level_reason = why_not_one_moment();
  facts.notes.push_back("the ODBC driver holds the result of a whole partition in memory, outside of --memory: where a "
                        "table has a key, its partitions are kept below " + format_bytes(kHeldResult));
  return facts;
}

std::vector<QualifiedName> MariadbDialect::tables(Connection& connection, const WrittenName& schema) const {
  const std::string database = schema.empty() ? database_ : schema.text;
  std::vector<QualifiedName> names;
  for (const Row& row : connection.query("SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE "
                                         "TABLE_SCHEMA = " + mariadb::text_literal(database) + " ORDER BY TABLE_NAME"))
    names.push_back({"", row[0].value_or(""), row[1].value_or("")});
  return names;
}

bool MariadbDialect::can_be_key(const SourceColumn& column) const {
  if (!column.logical) return false;
  switch (column.logical->kind) {
    case TypeKind::int16:
    case TypeKind::int32:
    case TypeKind::int64:
    case TypeKind::decimal:
    case TypeKind::bytes:
    case TypeKind::date:
    case TypeKind::timestamp:
    case TypeKind::timestamp_tz:
    case TypeKind::uuid: return column.bare_type != "bit";
    // An enum is ordered by the place in its list, and compared with a text by its text.
    case TypeKind::text: return column.bare_type == "char" || column.bare_type == "varchar";
    default: return false;
  }
}

std::string MariadbDialect::literal_of(const SourceColumn& column, const std::string& quoted) const {
  switch (column.logical->kind) {
    case TypeKind::text: return "concat('_utf8mb4 x''', hex(convert(" + quoted + " USING utf8mb4)), '''')";
    case TypeKind::bytes: return "concat('x''', hex(" + quoted + "), '''')";
    case TypeKind::date:
    case TypeKind::timestamp:
    case TypeKind::timestamp_tz:
    case TypeKind::uuid: return "concat('''', " + quoted + ", '''')";
    default: return "cast(" + quoted + " AS char)";
  }
}

std::optional<std::string> MariadbDialect::moment(Connection& connection) const {
  std::string file, position;
  for (const Row& row : connection.query("SHOW STATUS LIKE 'binlog\\_snapshot\\_%'")) {
    if (iequals(row[0].value_or(""), "binlog_snapshot_file")) file = row[1].value_or("");
    if (iequals(row[0].value_or(""), "binlog_snapshot_position")) position = row[1].value_or("");
  }
  if (file.empty()) return std::nullopt;
  const auto server = connection.value("SELECT concat(@@hostname, ':', @@port, '/', @@server_id)");
  return "mariadb " + server.value_or("") + " binlog " + file + " " + position;
}

std::string MariadbDialect::database_of(const TableRequest& request) const {
  if (!request.schema.empty() && !request.database.empty() && !iequals(request.schema.text, request.database.text)) {
    throw Error(ErrorKind::usage, "in MariaDB a schema is a database, and two are named: " + request.database.text +
                " and " + request.schema.text, request.table.text, "leave schemaName out");
  }
  if (!request.schema.empty()) return request.schema.text;
  if (!request.database.empty()) return request.database.text;
  if (!database_.empty()) return database_;
  throw Error(ErrorKind::usage, "neither the workflow nor the connection names a database", request.table.text,
              "write databaseName, or database in the connections file");
}

SourceColumn source_column(std::string name, const mariadb::ListedType& type, bool nullable) {
  const mariadb::MeaningOfType means = mariadb::meaning_of(type);
  SourceColumn column;
  column.name = std::move(name);
  column.native_type = type.column_type;
  column.bare_type = type.data_type;
  column.nullable = nullable;
  column.logical = means.logical;
  column.refusal = means.refusal;
  column.readable_as_text = means.readable_as_text;
  column.note = means.note;
  if (type.data_type == "decimal") column.type_aliases = {"numeric"};
  if (type.data_type == "int") column.type_aliases = {"integer"};
  return column;
}

// One row of information_schema.TABLES: exactly this name, or the only one that differs in case.
Row listed_table(Connection& connection, const std::string& database, const WrittenName& written) {
  const auto tables = connection.query("SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH "
                                       "FROM information_schema.TABLES WHERE TABLE_SCHEMA = " +
                                       mariadb::text_literal(database));
  for (const Row& row : tables)
    if (row[1] == written.text) return row;
  std::vector<Row> found;
  std::vector<std::string> names;
  for (const Row& row : tables) {
    names.push_back(row[1].value_or(""));
    if (!written.exact && iequals(names.back(), written.text)) found.push_back(row);
  }
  if (found.size() == 1) return found.front();
  if (!found.empty()) {
    throw Error(ErrorKind::usage, "several tables answer to " + written.text + ": they differ in case only",
                connection.subject(), "write the name exactly, in backquotes");
  }
  const auto near = did_you_mean(written.text, names);
  throw Error(ErrorKind::usage, "there is no table or view " + written.text + " in the database " + database,
              connection.subject(), near ? "did you mean " + *near + "?" : "does the user have SELECT on it?");
}

ServerObject MariadbDialect::find_table(Connection& connection, const TableRequest& request) const {
  const Row table = listed_table(connection, database_of(request), request.table);
  ServerObject object;
  object.object.name = {"", table[0].value_or(""), table[1].value_or("")};
  object.object.filter = request.filter;
  object.kind = table[2].value_or("").find("VIEW") != std::string::npos ? ObjectKind::view : ObjectKind::table;
  if (object.kind == ObjectKind::table) {
    object.rows_estimate = table[4] ? to_number(table[4]) : -1;
    object.bytes_estimate = table[5] ? to_number(table[5]) : -1;
    object.transactional = iequals(table[3].value_or(""), "InnoDB");
    if (!object.transactional) {
      object.notes.push_back("the engine " + table[3].value_or("?") +
                             " has no transactions: rows that are written while it is read may be seen or not");
    }
  }
  const std::string in_table = " WHERE TABLE_SCHEMA = " + mariadb::text_literal(object.object.name.schema) +
                               " AND TABLE_NAME = " + mariadb::text_literal(object.object.name.table);
  for (const Row& row : connection.query(
           "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, NUMERIC_PRECISION, NUMERIC_SCALE, CHARACTER_MAXIMUM_LENGTH, "
           "DATETIME_PRECISION, IS_NULLABLE FROM information_schema.COLUMNS" + in_table + " ORDER BY ORDINAL_POSITION")) {
    const mariadb::ListedType type{to_lower(row[1].value_or("")), row[2].value_or(""), to_number(row[3]),
                                   to_number(row[4]),             to_number(row[5]),   to_number(row[6])};
    object.columns.push_back(source_column(row[0].value_or(""), type, row[7].value_or("") != "NO"));
  }
  for (const Row& row : connection.query("SELECT COLUMN_NAME FROM information_schema.STATISTICS" + in_table +
                                         " AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX"))
    object.primary_key.push_back(row[0].value_or(""));
  return object;
}

// As the driver describes it; lengths of texts are those of its buffers and say nothing.
mariadb::ListedType described_type(Statement& statement, SQLUSMALLINT number, SQLSMALLINT kind, SQLULEN size,
                                   SQLSMALLINT digits) {
  SQLCHAR name[128] = {};
  SQLSMALLINT length = 0;
  SQLLEN is_unsigned = SQL_FALSE;
  SQLColAttribute(statement.handle(), number, SQL_DESC_TYPE_NAME, name, sizeof name, &length, nullptr);
  SQLColAttribute(statement.handle(), number, SQL_DESC_UNSIGNED, nullptr, 0, nullptr, &is_unsigned);
  mariadb::ListedType type;
  type.data_type = to_lower(reinterpret_cast<const char*>(name));
  type.data_type = type.data_type.substr(0, type.data_type.find(' '));
  if (type.data_type == "integer") type.data_type = "int";
  type.column_type = type.data_type;
  if (kind == SQL_DECIMAL || kind == SQL_NUMERIC) {
    type.data_type = "decimal";
    type.precision = static_cast<std::int64_t>(size);
    type.scale = digits;
    type.column_type = "decimal(" + std::to_string(size) + "," + std::to_string(digits) + ")";
  } else if (type.data_type == "bit") {
    type.precision = kind == SQL_BIT ? 1 : 64;
  } else if (type.data_type == "datetime" || type.data_type == "timestamp" || type.data_type == "time") {
    type.fraction = digits;
    type.column_type += "(" + std::to_string(digits) + ")";
  } else if (type.data_type == "char" || type.data_type == "varchar") {
    type.data_type = type.column_type = "text";
  } else if (type.data_type == "binary" || type.data_type == "varbinary") {
    type.data_type = type.column_type = "blob";
  } else if (is_unsigned == SQL_TRUE) {
    type.column_type += " unsigned";
  }
  return type;
}

// A query has no entry in the catalog, and a view would need the right to make one.
ServerObject MariadbDialect::find_query(Connection& connection, const TableRequest& request) const {
  ServerObject object;
  object.kind = ObjectKind::query;
  object.object.query = bare_query(request.query);
  object.object.filter = request.filter;
  Statement statement(connection);
  statement.execute("SELECT * FROM " + from_item(object.object) + " LIMIT 0");
  const int columns = statement.columns();
  for (int i = 1; i <= columns; ++i) {
    const auto number = static_cast<SQLUSMALLINT>(i);
    SQLCHAR name[512] = {};
    SQLSMALLINT length = 0, kind = 0, digits = 0, nullable = 0;
    SQLULEN size = 0;
    if (!SQL_SUCCEEDED(SQLDescribeCol(statement.handle(), number, name, sizeof name, &length, &kind, &size, &digits,
                                      &nullable)))
      statement.fail("a column of the query cannot be described");
    object.columns.push_back(source_column(reinterpret_cast<const char*>(name),
                                           described_type(statement, number, kind, size, digits),
                                           nullable != SQL_NO_NULLS));
  }
  return object;
}

NativeColumn MariadbDialect::read_as(const ColumnPlan& column) const {
  const std::string name = mariadb::quote(column.source_name);
  const std::string as_text = "cast(" + name + " AS char)";
  const bool is_bit = to_lower(column.source_type).starts_with("bit");
  const TypeKind kind = column.logical.kind;
  if (column.carrier.kind == CarrierKind::utf8 && kind != TypeKind::text && kind != TypeKind::json) {
    // MariaDB shows 6 digits of a float, which is not every float; as a double all of them are there.
    if (kind == TypeKind::float32) return {"cast(cast(" + name + " AS double) AS char)", NativeForm::text, 32};
    if (is_bit) return {"cast(" + name + " + 0 AS char)", NativeForm::text, 20};
    if (kind == TypeKind::bytes) return {"hex(" + name + ")", NativeForm::text, 0};
    return {as_text, NativeForm::text, 68};
  }
  switch (column.carrier.kind) {
    case CarrierKind::boolean: return {name + " + 0", NativeForm::boolean, 0};
    case CarrierKind::int16:
    case CarrierKind::int32:
    case CarrierKind::int64: return {is_bit ? name + " + 0" : name, NativeForm::integer, 0};
    case CarrierKind::float32: return {"cast(" + name + " AS double)", NativeForm::float32, 0};
    case CarrierKind::float64: return {name, NativeForm::float64, 0};
    case CarrierKind::decimal128: return {is_bit ? "cast(" + name + " + 0 AS char)" : as_text, NativeForm::decimal, 0};
    case CarrierKind::utf8:
    case CarrierKind::json:
      // Four bytes per character at most.
      return {to_lower(column.source_type).starts_with("inet") ? as_text : name, NativeForm::text,
              column.logical.length * 4};
    case CarrierKind::binary: return {name, NativeForm::bytes, column.logical.length};
    case CarrierKind::date32: return {as_text, NativeForm::date, 0};
    case CarrierKind::time64_us: return {as_text, NativeForm::time, 0};
    case CarrierKind::timestamp_us:
    case CarrierKind::timestamp_us_utc: return {as_text, NativeForm::timestamp, 0};
    case CarrierKind::uuid: return {as_text, NativeForm::uuid, 0};
    case CarrierKind::time64_ns:
    case CarrierKind::timestamp_ns: break;  // its fractions end at 6 digits
  }
  throw Error(ErrorKind::internal, "no way to read a column", column.source_name);
}

}  // namespace

std::unique_ptr<ServerDialect> make_mariadb_dialect(std::string database) {
  return std::make_unique<MariadbDialect>(std::move(database));
}

}  // namespace pulk::odbc
