#include "source/odbc/sqlserver_source.h"

#include "base/error.h"
#include "identity/kerberos.h"
#include "source/odbc/server_source.h"
#include "source/odbc/sqlserver_sessions.h"
#include "source/odbc/trusted_authorities.h"

namespace pulk {

std::unique_ptr<Source> make_sqlserver_source(const SqlServerConnection& connection, int max_connections,
                                              CancelToken* cancel) {
  const odbc::Quirks* quirks = odbc::find_quirks(connection.odbc_driver);
  if (quirks == nullptr || quirks->codes != odbc::ErrorCodes::sqlserver)
    throw Error(ErrorKind::usage, "\"" + connection.odbc_driver + "\" is no ODBC driver for SQL Server that pulk knows",
                "connections.source.sqlserver.odbc_driver",
                "name Microsoft's (\"ODBC Driver 18 for SQL Server\"), FreeTDS, or the path of the library of one of them");
  if (!connection.ca_certificate.empty()) odbc::trust_authorities(connection.ca_certificate);
  if (connection.kerberos.given()) kerberos_tickets(connection.kerberos);
  return odbc::make_server_source(
      std::make_shared<odbc::SqlServerSessions>(connection, *quirks, max_connections, cancel));
}

}  // namespace pulk
