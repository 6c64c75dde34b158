// Any database with an ODBC driver, through unixODBC. The drivers of SQLite, MariaDB and PostgreSQL are known; others
// are read by what ODBC tells of them.
#pragma once

#include <memory>

#include "config/connections.h"
#include "source/source.h"

namespace pulk {

class CancelToken;

// max_connections: the hard cap on connections to the database at once (I7).
std::unique_ptr<Source> make_odbc_source(const OdbcConnection& connection, int max_connections, CancelToken* cancel);

}  // namespace pulk
