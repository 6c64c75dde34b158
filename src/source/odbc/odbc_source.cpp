#include "source/odbc/odbc_source.h"

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "source/odbc/connection_string.h"
#include "source/odbc/handle.h"
#include "source/odbc/psqlodbc_source.h"
#include "source/odbc/server_source.h"
#include "source/odbc/catalog_rows.h"
#include "source/odbc/sqlite_catalog.h"
#include "source/odbc/sqlite_sessions.h"
#include "source/odbc/sqlite_snapshot.h"

namespace pulk {
namespace {

using namespace odbc;  // the parts that this file puts together

// pragma_table_list came with SQLite 3.37.
bool is_too_old(const std::string& version) {
  const std::vector<std::string> parts = split(version, '.');
  if (parts.size() < 2) return true;
  const std::int64_t major = to_number(parts[0]);
  return major < 3 || (major == 3 && to_number(parts[1]) < 37);
}

class SqliteSource : public Source {
 public:
  explicit SqliteSource(std::shared_ptr<SqliteSessions> sessions) : sessions_(std::move(sessions)) {}

  NameRule name_rule() const override { return NameRule::ignore_case; }

  SourceFacts facts() override {
    const auto connection = sessions_->open();
    SourceFacts facts;
    // SQL_DBMS_VER is the version that the driver was compiled with, not the library that runs.
    const std::string version = connection->value("SELECT sqlite_version()").value_or("");
    facts.product = "SQLite " + version + " (" + connection->info(SQL_DRIVER_NAME) + " " +
                    connection->info(SQL_DRIVER_VER) + ")";
    facts.identity = "sqlite:" + sessions_->path();
    if (is_too_old(version)) {
      throw Error(ErrorKind::refused, "SQLite " + version + " is too old: 3.37 is needed", connection->subject());
    }
    if (to_lower(connection->value("PRAGMA main.journal_mode").value_or("")) != "wal") {
      facts.notes.emplace_back("the database has a rollback journal: other programs cannot commit while pulk reads");
    }
    return facts;
  }

  std::unique_ptr<Snapshot> snapshot(const std::vector<TableRequest>&, int parallel_lanes) override {
    return std::make_unique<SqliteSnapshot>(sessions_, parallel_lanes);
  }

  std::vector<QualifiedName> list_tables(const WrittenName& schema) override {
    if (!schema.empty() && !iequals(schema.text, "main")) return {};
    const auto connection = sessions_->open();
    std::vector<QualifiedName> names;
    for (std::string& name : table_names(*connection)) names.push_back({"", "", std::move(name)});
    return names;
  }

 private:
  std::shared_ptr<SqliteSessions> sessions_;
};

// What settings do not say, one short connection asks: a data source name tells neither driver nor database, and a driver
// may be registered under any name.
struct Known {
  OdbcConnection settings;
  const Quirks* quirks = nullptr;
  std::unique_ptr<ServerDialect> dialect;  // for drivers that pulk does not know
};

Known look_up(const OdbcConnection& given) {
  Known known{given, given.driver_name.empty() ? nullptr : find_quirks(given.driver_name), nullptr};
  if (known.quirks != nullptr) return known;
  if (given.driver_name.empty() && given.dsn.empty()) {
    throw Error(ErrorKind::usage, "neither driver_name nor dsn is there", "connections.source.odbc");
  }
  const Quirks& careful = unknown_driver();
  // A data source has its database; to name a file that is not there may make one.
  Connection connection(connection_string(given, careful, given.dsn.empty() ? given.database : "", {}), careful, given.connect_timeout,
                        given.dsn.empty() ? "driver " + given.driver_name : "DSN " + given.dsn, nullptr);
  known.quirks = find_quirks(connection.info(SQL_DRIVER_NAME));
  if (known.quirks == nullptr) {
    known.quirks = &careful;
    known.dialect = make_generic_dialect(connection);
  } else if (given.database.empty() && known.quirks->codes == ErrorCodes::sqlite) {
    known.settings.database = connection.value("SELECT file FROM pragma_database_list WHERE name = 'main'").value_or("");
  }
  return known;
}

}  // namespace

std::unique_ptr<Source> make_odbc_source(const OdbcConnection& connection, int max_connections, CancelToken* cancel) {
  Known known = look_up(connection);
  const Quirks& quirks = *known.quirks;
  if (quirks.codes == ErrorCodes::postgres)
    return make_psqlodbc_source(std::move(known.settings), quirks, max_connections, cancel);
  if (quirks.codes == ErrorCodes::sqlite) {
    return std::make_unique<SqliteSource>(
        std::make_shared<SqliteSessions>(std::move(known.settings), quirks, max_connections, cancel));
  }
  if (quirks.codes == ErrorCodes::sqlserver)
    throw Error(ErrorKind::usage, "SQL Server has a kind of connection of its own", "connections.source.odbc",
                "write it as [connections.source.sqlserver], with odbc_driver for the driver");
  if (quirks.codes == ErrorCodes::mariadb) known.dialect = make_mariadb_dialect(known.settings.database);
  return make_server_source(std::move(known.settings), quirks, std::move(known.dialect), max_connections, cancel);
}

}  // namespace pulk
