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

// A data source name says nothing about its driver and its database: one short connection asks.
OdbcConnection look_up(OdbcConnection settings) {
  if (settings.driver_name.empty() && settings.dsn.empty()) {
    throw Error(ErrorKind::usage, "neither driver_name nor dsn is there", "connections.source.odbc");
  }
  if (!settings.driver_name.empty()) return settings;
  static const Quirks careful{};
  Connection connection(connection_string(settings, careful, "", {}), careful, settings.connect_timeout,
                        "DSN " + settings.dsn, nullptr);
  settings.driver_name = connection.info(SQL_DRIVER_NAME);
  const Quirks* quirks = find_quirks(settings.driver_name);
  if (settings.database.empty() && quirks != nullptr && quirks->codes == ErrorCodes::sqlite) {
    settings.database = connection.value("SELECT file FROM pragma_database_list WHERE name = 'main'").value_or("");
  }
  return settings;
}

}  // namespace

std::unique_ptr<Source> make_odbc_source(const OdbcConnection& connection, int max_connections, CancelToken* cancel) {
  OdbcConnection settings = look_up(connection);
  const Quirks* quirks = find_quirks(settings.driver_name);
  if (quirks == nullptr) {
    throw Error(ErrorKind::refused, "this version of pulk does not know the ODBC driver " + settings.driver_name,
                "connections.source.odbc", "it reads SQLite files by the driver SQLite3, and MariaDB by MariaDB Connector/ODBC");
  }
  // What look_up() found is a file name; the driver manager reaches it through the data source.
  if (!settings.dsn.empty()) settings.driver_name.clear();
  if (quirks->codes == ErrorCodes::postgres)
    return make_psqlodbc_source(std::move(settings), *quirks, max_connections, cancel);
  if (quirks->codes == ErrorCodes::mariadb)
    return make_mariadb_source(std::move(settings), *quirks, max_connections, cancel);
  return std::make_unique<SqliteSource>(
      std::make_shared<SqliteSessions>(std::move(settings), *quirks, max_connections, cancel));
}

}  // namespace pulk
