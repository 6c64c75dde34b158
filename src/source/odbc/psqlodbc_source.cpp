#include "source/odbc/psqlodbc_source.h"

#include <utility>

#include "source/odbc/psqlodbc_lane.h"
#include "source/postgres/facts.h"
#include "source/postgres/relation.h"
#include "source/postgres/snapshot.h"

namespace pulk::odbc {
namespace {

class PsqlodbcSource : public Source {
 public:
  explicit PsqlodbcSource(std::shared_ptr<PsqlodbcSessions> sessions) : sessions_(std::move(sessions)) {}

  NameRule name_rule() const override { return NameRule::lower; }

  SourceFacts facts() override {
    const auto permit = sessions_->permit();
    const auto session = sessions_->open_odbc();
    SourceFacts facts = postgres::facts_of_server(session->connection());
    facts.product += " (" + session->link()->info(SQL_DRIVER_NAME) + " " + session->link()->info(SQL_DRIVER_VER) + ")";
    return facts;
  }

  std::unique_ptr<Snapshot> snapshot(const std::vector<TableRequest>& tables, int) override {
    return postgres::take_snapshot(sessions_, tables, [sessions = sessions_](const std::string& exported) {
      return std::make_unique<PsqlodbcLane>(sessions, exported);
    });
  }

  std::vector<QualifiedName> list_tables(const WrittenName& schema) override {
    const auto permit = sessions_->permit();
    const auto session = sessions_->open_odbc();
    return postgres::list_relations(session->connection(), schema.empty() ? "" : fold(schema, NameRule::lower));
  }

 private:
  std::shared_ptr<PsqlodbcSessions> sessions_;
};

}  // namespace

std::unique_ptr<Source> make_psqlodbc_source(OdbcConnection settings, const Quirks& quirks, int max_connections,
                                             CancelToken* cancel) {
  return std::make_unique<PsqlodbcSource>(
      std::make_shared<PsqlodbcSessions>(std::move(settings), quirks, max_connections, cancel));
}

}  // namespace pulk::odbc
