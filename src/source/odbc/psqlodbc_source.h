// PostgreSQL behind psqlODBC, as a Source: catalog, partitions, snapshots and their proofs are those of
// source/postgres, rows travel through the driver.
#pragma once

#include <memory>

#include "config/connections.h"
#include "source/odbc/quirks.h"
#include "source/source.h"

namespace pulk {
class CancelToken;
}

namespace pulk::odbc {

std::unique_ptr<Source> make_psqlodbc_source(OdbcConnection settings, const Quirks& quirks, int max_connections,
                                             CancelToken* cancel);

}  // namespace pulk::odbc
