// SQL Server as a source. Called by make_source.
#pragma once

#include <memory>

#include "base/cancel.h"
#include "config/sqlserver_connection.h"
#include "source/source.h"

namespace pulk {

// Opens no connection yet. With auth = kerberos it sets the environment (identity/kerberos.h). Throws Error(usage) for
// what the driver cannot do.
std::unique_ptr<Source> make_sqlserver_source(const SqlServerConnection& connection, int max_connections,
                                              CancelToken* cancel);

}  // namespace pulk
