// A database server behind an ODBC driver, as a Source. What is particular about the server is its dialect's.
#pragma once

#include <memory>

#include "config/connections.h"
#include "source/odbc/quirks.h"
#include "source/source.h"

namespace pulk {
class CancelToken;
}

namespace pulk::odbc {

std::unique_ptr<Source> make_mariadb_source(OdbcConnection settings, const Quirks& quirks, int max_connections,
                                            CancelToken* cancel);

}  // namespace pulk::odbc
