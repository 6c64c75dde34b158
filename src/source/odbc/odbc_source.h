// Any database with an ODBC driver, through unixODBC. This version knows the drivers of SQLite and MariaDB.
#pragma once

#include <memory>

#include "config/connections.h"
#include "source/source.h"

namespace pulk {

class CancelToken;

// max_connections: the hard cap on connections to the database at once (I7).
std::unique_ptr<Source> make_odbc_source(const OdbcConnection& connection, int max_connections, CancelToken* cancel);

}  // namespace pulk
