#include "source/odbc/sqlserver_source.h"

#include "identity/kerberos.h"
#include "source/odbc/server_source.h"
#include "source/odbc/sqlserver_sessions.h"
#include "source/odbc/trusted_authorities.h"

namespace pulk {

std::unique_ptr<Source> make_sqlserver_source(const SqlServerConnection& connection, int max_connections,
                                              CancelToken* cancel) {
  const odbc::Quirks& quirks = odbc::sqlserver_driver(connection);
  if (!connection.ca_certificate.empty()) odbc::trust_authorities(connection.ca_certificate);
  if (connection.kerberos.given()) kerberos_tickets(connection.kerberos);
  return odbc::make_server_source(
      std::make_shared<odbc::SqlServerSessions>(connection, quirks, max_connections, cancel));
}

}  // namespace pulk
