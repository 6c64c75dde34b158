// PostgreSQL behind psqlODBC: statements and sessions by which the PostgreSQL source reads catalog, partitions and
// snapshots. Threads as postgres/session.h says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/connections.h"
#include "pg/statements.h"
#include "source/odbc/handle.h"
#include "source/postgres/session.h"

namespace pulk::odbc {

class PsqlodbcStatements : public pg::Statements {
 public:
  explicit PsqlodbcStatements(std::shared_ptr<Connection> connection);

  pg::Result exec(const std::string& sql) override;
  // Parameters become literals: the driver would name no types.
  pg::Result query(const std::string& sql, const std::vector<std::string>& parameters) override;
  // Precision of numerics is left out: the driver makes one up where there is none.
  std::vector<pg::Field> describe(const std::string& sql) override;
  bool alive() override;
  bool hung_up() const override { return connection_->lost(); }
  int server_version() const override { return server_version_; }

 private:
  std::shared_ptr<Connection> connection_;
  int server_version_ = 0;
};

class PsqlodbcSession : public postgres::Session {
 public:
  explicit PsqlodbcSession(std::unique_ptr<Connection> connection);

  PsqlodbcStatements& connection() override { return statements_; }
  void begin(postgres::Isolation isolation) override;
  const std::shared_ptr<Connection>& link() const { return link_; }

 private:
  std::shared_ptr<Connection> link_;
  PsqlodbcStatements statements_;
};

class PsqlodbcSessions : public postgres::SessionFactory {
 public:
  PsqlodbcSessions(OdbcConnection settings, const Quirks& quirks, int max_connections, CancelToken* cancel);

  std::unique_ptr<postgres::Session> open() override { return open_odbc(); }
  std::unique_ptr<PsqlodbcSession> open_odbc();

 private:
  const OdbcConnection settings_;
  const Quirks& quirks_;
};

}  // namespace pulk::odbc
