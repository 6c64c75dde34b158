#include "source/postgres/postgres_source.h"

#include "source/postgres/facts.h"
#include "source/postgres/lane.h"
#include "source/postgres/relation.h"
#include "source/postgres/session.h"
#include "source/postgres/snapshot.h"

namespace pulk {
namespace postgres {
namespace {

SourceFacts read_facts(pg::Connection& connection) {
  SourceFacts facts = facts_of_server(connection);
  if (connection.exec("SELECT pg_catalog.pg_backend_pid()").integer(0, 0) != connection.announced_pid()) {
    facts.notes.push_back(
        "a connection pooler is in between: lanes can join the snapshot only when it leads all of them to this "
        "server, and each holds a server connection for its whole transaction");
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
      : sessions_(std::make_shared<LibpqSessions>(connection, max_connections, cancel)) {}

  NameRule name_rule() const override { return NameRule::lower; }

  SourceFacts facts() override {
    const auto permit = sessions_->permit();
    const auto session = sessions_->open_libpq();
    return read_facts(session->connection());
  }

  std::unique_ptr<Snapshot> snapshot(const std::vector<TableRequest>& tables, int) override {
    return take_snapshot(sessions_, tables, [sessions = sessions_](const std::string& exported) {
      return std::make_unique<Lane>(sessions, exported);
    });
  }

  std::vector<QualifiedName> list_tables(const WrittenName& schema) override {
    const auto permit = sessions_->permit();
    const auto session = sessions_->open_libpq();
    return list_relations(session->connection(), schema.empty() ? "" : fold(schema, NameRule::lower));
  }

 private:
  std::shared_ptr<LibpqSessions> sessions_;
};

}  // namespace
}  // namespace postgres

std::unique_ptr<Source> make_postgres_source(const PostgresConnection& connection, int max_connections,
                                             CancelToken* cancel) {
  return std::make_unique<postgres::PostgresSource>(connection, max_connections, cancel);
}

}  // namespace pulk
