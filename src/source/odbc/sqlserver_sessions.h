// Logins to SQL Server: by its own users, by Kerberos, by tokens of Entra ID. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "config/sqlserver_connection.h"
#include "source/odbc/server_sessions.h"

namespace pulk::odbc {

class SqlServerSessions : public ServerSessions {
 public:
  SqlServerSessions(SqlServerConnection server, const Quirks& quirks, int max_connections, CancelToken* cancel);

 protected:
  std::unique_ptr<Connection> log_in() override;

 private:
  std::unique_ptr<Connection> log_in_with(const Secret& password);
  std::unique_ptr<Connection> log_in_with_token();

  const SqlServerConnection server_;
};

// The service principal that a login by Kerberos asks for; "" for an instance by name, whose port the driver finds out.
std::string sqlserver_spn(const SqlServerConnection& server);
// What is known of the connection's driver. Throws Error(usage) for one that is none for SQL Server, and for what it
// cannot do.
const Quirks& sqlserver_driver(const SqlServerConnection& server);
bool is_freetds(const Quirks& quirks);

// Without password or token; for doctor too.
std::string sqlserver_address(const SqlServerConnection& server);

}  // namespace pulk::odbc
