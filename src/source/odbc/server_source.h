// A database server behind an ODBC driver, as a Source. What is particular about the server is its dialect's.
#pragma once

#include <memory>

#include "config/connections.h"
#include "source/odbc/quirks.h"
#include "source/odbc/server_dialect.h"
#include "source/source.h"

namespace pulk {
class CancelToken;
}

namespace pulk::odbc {

class ServerSessions;

std::unique_ptr<Source> make_server_source(std::shared_ptr<ServerSessions> sessions);
std::unique_ptr<Source> make_server_source(OdbcConnection settings, const Quirks& quirks,
                                           std::unique_ptr<ServerDialect> dialect, int max_connections,
                                           CancelToken* cancel);

}  // namespace pulk::odbc
