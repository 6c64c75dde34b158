#include "source/odbc/server_sessions.h"

#include <string>
#include <utility>

#include "source/odbc/connection_string.h"

namespace pulk::odbc {

ServerSessions::ServerSessions(OdbcConnection settings, const Quirks& quirks, std::unique_ptr<ServerDialect> dialect,
                               int max_connections, CancelToken* cancel)
    : Sessions(std::move(settings), quirks, max_connections, cancel),
      password_(settings_.password),
      dialect_(std::move(dialect)) {}

std::unique_ptr<Connection> ServerSessions::connect() {
  auto connection = log_in();
  for (const std::string& statement : dialect_->session_settings()) connection->execute(statement);
  return connection;
}

std::unique_ptr<Connection> ServerSessions::log_in() {
  const std::string where = settings_.dsn.empty() ? settings_.host + (settings_.port > 0 ? ":" + std::to_string(settings_.port) : "")
                                                  : "DSN " + settings_.dsn;
  return password_.log_in([&](const Secret& password) {
    OdbcConnection settings = settings_;
    settings.password = password;
    return std::make_unique<Connection>(connection_string(settings, quirks_, settings.database, {}), quirks_,
                                        settings.connect_timeout, where, cancel_);
  });
}

}  // namespace pulk::odbc
