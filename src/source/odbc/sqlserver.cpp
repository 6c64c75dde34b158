#include "source/odbc/sqlserver.h"

#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "source/dialect/sqlserver.h"
#include "source/odbc/catalog_rows.h"
#include "source/odbc/sqlserver_catalog.h"

namespace pulk::odbc {
namespace {

// sys.databases, of the database that the connection is in.
struct Database {
  std::string name, created, guid;
  std::string group;  // of an availability group: the same on all replicas; "" without one
  bool is_snapshot = false;
  bool allows_snapshot = false;
  bool versioned_reads = false;  // READ_COMMITTED_SNAPSHOT
};

Database database_of(Connection& connection) {
  const auto rows = connection.query(
      "SELECT name, CONVERT(varchar(30), create_date, 126), CONVERT(varchar(36), service_broker_guid), "
      "source_database_id, snapshot_isolation_state, CONVERT(int, is_read_committed_snapshot_on), "
      "CONVERT(varchar(36), group_database_id) FROM sys.databases "
      "WHERE "
      // In Azure DB_ID() is not what this view calls the database.
      "name = DB_NAME()");
  if (rows.empty())
    throw Error(ErrorKind::refused, "the login does not see its own database in sys.databases", connection.subject());
  const Row& row = rows.front();
  Database found;
  found.name = row[0].value_or("");
  found.created = row[1].value_or("");
  found.guid = row[2].value_or("");
  found.is_snapshot = row[3].has_value();
  found.allows_snapshot = row[4] == "1";
  found.versioned_reads = row[5] == "1";
  found.group = row[6].value_or("");
  return found;
}

class SqlServerDialect : public ServerDialect {
 public:
  explicit SqlServerDialect(SqlServerRules rules) : rules_(std::move(rules)) {}

  NameRule name_rule() const override { return NameRule::ignore_case; }
  std::string quote(std::string_view name) const override { return sqlserver::quote(name); }

  std::vector<std::string> session_settings() const override {
    return {
        "SET TEXTSIZE 2147483647",
        "SET LOCK_TIMEOUT " + std::to_string(rules_.lock_timeout * 1000),
        // Literals of a person's filter mean the same whatever the login's language is.
        "SET DATEFORMAT ymd",
        "SET ROWCOUNT 0",
    };
  }

  SourceFacts facts(Connection& connection) const override;
  std::vector<QualifiedName> tables(Connection& connection, const WrittenName& schema) const override {
    return list_sqlserver_tables(connection, schema);
  }
  ServerObject find(Connection& connection, const TableRequest& request) const override {
    return request.query.empty() ? find_sqlserver_table(connection, request, rules_.database, rules_.encrypted_columns)
                                 : find_sqlserver_query(connection, request);
  }

  std::string from_item(const SourceObject& object) const override {
    if (object.is_query()) return "(" + object.query + "\n) AS pulk_query";
    return sqlserver::quote(object.name.schema) + "." + sqlserver::quote(object.name.table);
  }
  std::string limit(std::int64_t rows) const override {
    return " ORDER BY (SELECT NULL) OFFSET 0 ROWS FETCH NEXT " + std::to_string(rows) + " ROWS ONLY";
  }
  std::string one_row_at(std::int64_t offset) const override {
    return " OFFSET " + std::to_string(offset) + " ROWS FETCH NEXT 1 ROWS ONLY";
  }
  std::string count_behind() const override { return "; SELECT ROWCOUNT_BIG(), @@TRANCOUNT"; }
  NativeColumn read_as(const ColumnPlan& column) const override;

  bool can_be_key(const SourceColumn& column) const override;
  std::string literal_of(const SourceColumn& column, const std::string& quoted) const override {
    return sqlserver::literal_of(column.native_type, quoted);
  }
  // A number of more than 32 bits alone would be a decimal, and no index is sought by a decimal in place of a bigint.
  std::string integer_literal(std::int64_t value) const override {
    return "CAST(" + std::to_string(value) + " AS bigint)";
  }
  std::string shown_of(const SourceColumn& column, const std::string& quoted) const override {
    return column.logical->kind == TypeKind::text ? quoted : sqlserver::text_of(column.native_type, quoted);
  }
  std::int64_t largest_partition_bytes() const override { return 0; }

  void begin(Connection& connection, const std::vector<ServerObject>& tables) const override;
  bool sees_one_moment(Connection& connection) const override;
  void check_transaction(Connection& connection) const override {
    if (connection.value("SELECT @@TRANCOUNT") == "0") connection.lose_transaction();
  }
  std::optional<std::string> moment(Connection& connection) const override;
  std::string why_not_one_moment() const override {
    return "SQL Server has no snapshot that several connections can share: --parallel 1 with snapshot isolation, "
           "snapshot_lock = true in the connections file, or a database snapshot give one moment";
  }
  void lock_writers(Connection& connection, const std::vector<ServerObject>& tables) const override;
  void unlock_writers(Connection& connection) const override { connection.execute("ROLLBACK TRANSACTION"); }

 private:
  SqlServerIsolation isolation_in(const Database& database) const;
  NativeColumn as_text(const ColumnPlan& column, const std::string& name) const;

  const SqlServerRules rules_;
};

SqlServerIsolation SqlServerDialect::isolation_in(const Database& database) const {
  if (rules_.isolation != SqlServerIsolation::automatic) return rules_.isolation;
  return database.allows_snapshot ? SqlServerIsolation::snapshot : SqlServerIsolation::read_committed;
}

SourceFacts SqlServerDialect::facts(Connection& connection) const {
  const auto server = connection.query(
      "SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), CONVERT(nvarchar(128), "
      "SERVERPROPERTY('Edition')), CONVERT(nvarchar(128), @@SERVERNAME)");
  const Row& row = server.at(0);
  const Database database = database_of(connection);
  SourceFacts facts;
  facts.product = "SQL Server " + row[0].value_or("?") + " " + row[1].value_or("") + " (" +
                  connection.info(SQL_DRIVER_NAME) + " " + connection.info(SQL_DRIVER_VER) + ")";
  // A listener leads now to one replica, now to another.
  facts.identity = "sqlserver:" + (database.group.empty() ? row[2].value_or("") : database.group) + "/" + database.name +
                   "/" + database.guid;
  if (database.is_snapshot) {
    facts.notes.push_back("a database snapshot of " + database.created + ": all connections see that moment");
    return facts;
  }
  switch (isolation_in(database)) {
    case SqlServerIsolation::snapshot:
    case SqlServerIsolation::automatic:
    case SqlServerIsolation::serializable:
      facts.level_reason = why_not_one_moment();
      break;
    case SqlServerIsolation::read_committed:
      facts.level = ConsistencyLevel::per_partition;
      facts.level_reason =
          database.versioned_reads
              ? "each statement sees a moment of its own: ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or a "
                "database "
                "snapshot, give one moment"
              : "the database keeps no row versions: a row that is moved while its partition is read may be read twice "
                "or "
                "not at all. ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, a database snapshot, or "
                "isolation = \"serializable\", which locks writers out, prevent that";
      break;
    case SqlServerIsolation::read_uncommitted:
      facts.level = ConsistencyLevel::per_partition;
      facts.level_reason =
          "isolation = \"read uncommitted\": rows that are written meanwhile may be read, read twice, or missed";
      break;
  }
  return facts;
}

bool SqlServerDialect::can_be_key(const SourceColumn& column) const {
  if (!column.logical) return false;
  switch (column.logical->kind) {
    case TypeKind::int16:
    case TypeKind::int32:
    case TypeKind::int64:
    case TypeKind::decimal:
    case TypeKind::date:
    case TypeKind::time:
    case TypeKind::timestamp:
    case TypeKind::timestamp_offset:
    case TypeKind::uuid:
      return true;
    case TypeKind::bytes:
      return column.logical->length > 0;
    case TypeKind::text:
      // A literal has the database's code page and order; types without a length are no keys of any index.
      return column.logical->length > 0 && !contains(column.native_type, " COLLATE ");
    default:
      return false;
  }
}

void SqlServerDialect::begin(Connection& connection, const std::vector<ServerObject>& tables) const {
  const Database database = database_of(connection);
  const SqlServerIsolation isolation =
      database.is_snapshot ? SqlServerIsolation::read_committed : isolation_in(database);
  const char* name = isolation == SqlServerIsolation::snapshot           ? "SNAPSHOT"
                     : isolation == SqlServerIsolation::serializable     ? "SERIALIZABLE"
                     : isolation == SqlServerIsolation::read_uncommitted ? "READ UNCOMMITTED"
                                                                         : "READ COMMITTED";
  connection.execute(std::string("SET TRANSACTION ISOLATION LEVEL ") + name);
  connection.execute("BEGIN TRANSACTION");
  if (isolation != SqlServerIsolation::snapshot) return;
  // The moment is that of the first access to data, not of BEGIN.
  for (const ServerObject& table : tables) {
    if (table.kind != ObjectKind::table) continue;
    connection.query("SELECT TOP (1) 1 FROM " + from_item(table.object));
    return;
  }
}

bool SqlServerDialect::sees_one_moment(Connection& connection) const {
  const Database database = database_of(connection);
  if (database.is_snapshot) return true;
  const SqlServerIsolation isolation = isolation_in(database);
  return isolation == SqlServerIsolation::snapshot || isolation == SqlServerIsolation::serializable;
}

std::optional<std::string> SqlServerDialect::moment(Connection& connection) const {
  const Database database = database_of(connection);
  if (!database.is_snapshot) return std::nullopt;
  const auto server = connection.value("SELECT CONVERT(nvarchar(128), @@SERVERNAME)");
  return "sqlserver " + server.value_or("") + " database snapshot " + database.name + " of " + database.created;
}

void SqlServerDialect::lock_writers(Connection& connection, const std::vector<ServerObject>& tables) const {
  if (connection.value("SELECT CONVERT(varchar(20), DATABASEPROPERTYEX(DB_NAME(), 'Updateability'))") == "READ_ONLY")
    throw Error(ErrorKind::usage, "snapshot_lock locks nobody out of a database that is read-only here",
                connection.subject(), "a secondary ignores locks: use --parallel 1, or read the primary");
  connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
  connection.execute("BEGIN TRANSACTION");
  for (const ServerObject& table : tables) {
    // The hint reaches only those tables of a view that its plan opens.
    if (table.kind != ObjectKind::table)
      throw Error(ErrorKind::usage,
                  "snapshot_lock cannot lock the tables of " +
                      (table.object.is_query() ? "a query" : "the view " + table.object.name.display()),
                  connection.subject(), "use --parallel 1 without snapshot_lock");
    connection.query("SELECT TOP (1) 1 FROM " + from_item(table.object) + " WITH (TABLOCK, HOLDLOCK)");
  }
}

NativeColumn SqlServerDialect::as_text(const ColumnPlan& column, const std::string& name) const {
  const std::string_view type = column.source_type;
  const bool wide = column.logical.kind == TypeKind::json || sqlserver::bare(type) == "hierarchyid" ||
                    sqlserver::bare(type) == "vector";
  const bool open = wide || column.logical.kind == TypeKind::bytes;
  return {sqlserver::text_of(type, name), wide ? NativeForm::utf16 : NativeForm::text, open ? 0 : 41};
}

NativeColumn SqlServerDialect::read_as(const ColumnPlan& column) const {
  const std::string name = sqlserver::quote(column.source_name);
  const std::string_view type = sqlserver::bare(column.source_type);
  const bool structs = rules_.native_structs;
  const auto text = [&] { return sqlserver::text_of(column.source_type, name); };
  const auto offset = [&]() -> NativeColumn {
    return structs ? NativeColumn{name, NativeForm::offset_struct, 0}
                   : NativeColumn{text(), NativeForm::offset_text, 0};
  };
  switch (column.carrier.kind) {
    case CarrierKind::boolean:
      return {name, NativeForm::boolean, 0};
    case CarrierKind::int16:
    case CarrierKind::int32:
    case CarrierKind::int64:
      return {name, NativeForm::integer, 0};
    case CarrierKind::float32:
      return {name, NativeForm::single, 0};
    case CarrierKind::float64:
      return {name, NativeForm::float64, 0};
    case CarrierKind::decimal128:
      // The structure of money is another one.
      if (structs && (type == "money" || type == "smallmoney"))
        return {"CONVERT(decimal(" + std::to_string(column.carrier.precision) + ", 4), " + name + ")",
                NativeForm::numeric_struct, 0};
      if (structs) return {name, NativeForm::numeric_struct, 0};
      return {text(), NativeForm::decimal, 0};
    case CarrierKind::utf8:
    case CarrierKind::json:
      switch (column.logical.kind) {
        case TypeKind::timestamp:
          return {name, NativeForm::timestamp_struct, 0};
        case TypeKind::timestamp_offset:
          return offset();
        case TypeKind::text:
          if (type == "hierarchyid" || type == "vector") return as_text(column, name);
          // Read in pieces, characters of several bytes could be parted.
          if (type == "text" || column.source_type.starts_with("varchar(max)"))
            return {"CONVERT(nvarchar(max), " + name + ")", NativeForm::utf16, 0};
          // Two bytes for each unit of UTF-16; a byte of a narrow type is at most one unit.
          return {name, NativeForm::utf16, column.logical.length * 2};
        default:
          return as_text(column, name);
      }
    case CarrierKind::binary:
      return {name, NativeForm::bytes, column.logical.length};
    case CarrierKind::date32:
      return {name, NativeForm::date_struct, 0};
    case CarrierKind::time64_us:
    case CarrierKind::time64_ns:
      return structs ? NativeColumn{name, NativeForm::time2_struct, 0} : NativeColumn{text(), NativeForm::time, 0};
    case CarrierKind::timestamp_us:
    case CarrierKind::timestamp_ns:
      return {name, NativeForm::timestamp_struct, 0};
    case CarrierKind::timestamp_us_utc:
      return offset();
    case CarrierKind::uuid:
      return structs ? NativeColumn{name, NativeForm::guid_struct, 0} : NativeColumn{text(), NativeForm::uuid, 0};
  }
  throw Error(ErrorKind::internal, "no way to read a column", column.source_name);
}

}  // namespace

std::unique_ptr<ServerDialect> make_sqlserver_dialect(SqlServerRules rules) {
  return std::make_unique<SqlServerDialect>(std::move(rules));
}

}  // namespace pulk::odbc
