#include "source/odbc/server_source.h"

#include <utility>

#include "source/odbc/server_sessions.h"
#include "source/odbc/server_snapshot.h"

namespace pulk::odbc {
namespace {

class ServerSource : public Source {
 public:
  explicit ServerSource(std::shared_ptr<ServerSessions> sessions) : sessions_(std::move(sessions)) {}

  NameRule name_rule() const override { return sessions_->dialect().name_rule(); }

  SourceFacts facts() override {
    const auto connection = sessions_->open();
    return sessions_->dialect().facts(*connection);
  }

  std::unique_ptr<Snapshot> snapshot(const std::vector<TableRequest>& tables, int parallel_lanes) override {
    return std::make_unique<ServerSnapshot>(sessions_, tables, parallel_lanes);
  }

  std::vector<QualifiedName> list_tables(const WrittenName& schema) override {
    const auto connection = sessions_->open();
    return sessions_->dialect().tables(*connection, schema);
  }

 private:
  std::shared_ptr<ServerSessions> sessions_;
};

}  // namespace

std::unique_ptr<Source> make_server_source(std::shared_ptr<ServerSessions> sessions) {
  return std::make_unique<ServerSource>(std::move(sessions));
}

std::unique_ptr<Source> make_server_source(OdbcConnection settings, const Quirks& quirks,
                                           std::unique_ptr<ServerDialect> dialect, int max_connections,
                                           CancelToken* cancel) {
  return make_server_source(
      std::make_shared<ServerSessions>(std::move(settings), quirks, std::move(dialect), max_connections, cancel));
}

}  // namespace pulk::odbc
