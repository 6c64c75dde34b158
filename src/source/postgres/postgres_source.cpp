#include "source/postgres/postgres_source.h"

#include "source/postgres/relation.h"
#include "source/postgres/session.h"
#include "source/postgres/snapshot.h"

namespace pulk {
namespace postgres {
namespace {

std::string read_system_identifier(pg::Connection& connection) {
  try {
    return connection.exec("SELECT system_identifier FROM pg_catalog.pg_control_system()").text(0, 0);
  } catch (const pg::SqlError& error) {
    if (error.sqlstate() != "42501") throw;
    return "unknown";
  }
}

SourceFacts read_facts(pg::Connection& connection) {
  SourceFacts facts;
  const std::string version = connection.parameter("server_version");
  facts.product = "PostgreSQL " + version.substr(0, version.find(' '));
  const pg::Result row = connection.exec(
      "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), pg_catalog.current_database(),"
      " pg_catalog.current_setting('server_encoding')");
  facts.identity = read_system_identifier(connection) + "/" + row.text(0, 2);
  if (row.boolean(0, 1)) {
    facts.notes.push_back(
        "this is a standby: a conflict with recovery can cancel the snapshot (max_standby_streaming_delay, "
        "hot_standby_feedback)");
  }
  if (row.integer(0, 0) != connection.announced_pid()) {
    facts.notes.push_back(
        "a connection pooler is in between: lanes can join the snapshot only when it leads all of them to this "
        "server, and each holds a server connection for its whole transaction");
  }
  if (row.view(0, 3) == "SQL_ASCII") {
    facts.notes.push_back(
        "the database is SQL_ASCII: text is checked value by value, and refused when it is not UTF-8");
  }
  if (connection.password_used() && !connection.encrypted() && !connection.local()) {
    facts.notes.push_back("the password and all rows cross the network to " + connection.host() +
                          " without encryption; set sslmode = \"verify-full\"");
  }
  return facts;
}

class PostgresSource : public Source {
 public:
  PostgresSource(const PostgresConnection& connection, int max_connections, CancelToken* cancel)
      : sessions_(std::make_shared<SessionFactory>(connection, max_connections, cancel)) {}

  NameRule name_rule() const override { return NameRule::lower; }

  SourceFacts facts() override {
    const auto permit = sessions_->permit();
    const auto session = sessions_->open();
    return read_facts(session->connection());
  }

  std::unique_ptr<Snapshot> snapshot(const std::vector<TableRequest>& tables, int) override {
    return take_snapshot(sessions_, tables);
  }

  std::vector<QualifiedName> list_tables(const WrittenName& schema) override {
    const auto permit = sessions_->permit();
    const auto session = sessions_->open();
    return list_relations(session->connection(), schema.empty() ? "" : fold(schema, NameRule::lower));
  }

 private:
  std::shared_ptr<SessionFactory> sessions_;
};

}  // namespace
}  // namespace postgres

std::unique_ptr<Source> make_postgres_source(const PostgresConnection& connection, int max_connections,
                                             CancelToken* cancel) {
  return std::make_unique<postgres::PostgresSource>(connection, max_connections, cancel);
}

}  // namespace pulk
