// Connections to one database server: how they are opened and set up. Thread-safe.
#pragma once

#include <memory>

#include "base/login_secret.h"
#include "source/odbc/server_dialect.h"
#include "source/odbc/sessions.h"

namespace pulk::odbc {

class ServerSessions : public Sessions {
 public:
  ServerSessions(OdbcConnection settings, const Quirks& quirks, std::unique_ptr<ServerDialect> dialect,
                 int max_connections, CancelToken* cancel);

  const ServerDialect& dialect() const { return *dialect_; }
  // Writers may be kept out for the moment in which the snapshot is taken.
  bool may_lock() const { return settings_.snapshot_lock; }

 protected:
  // A connection as the login leaves it; connect() makes the dialect's settings on it.
  virtual std::unique_ptr<Connection> log_in();

  LoginSecret password_;

 private:
  std::unique_ptr<Connection> connect() final;

  const std::unique_ptr<ServerDialect> dialect_;
};

}  // namespace pulk::odbc
