// The doctor's checks of SQL Server that come before a login. Called by the doctor only; each gives its verdict, or
// throws Error for a failure.
#pragma once

#include <chrono>
#include <string>

#include "config/sqlserver_connection.h"
#include "orchestrator/doctor_checks.h"

namespace pulk {

// Without one SQL Server's own; 0 where the server's browser service tells the driver.
int port_of(const SqlServerConnection& server);

// Behind look_at_odbc_driver(), which has found it: whose it is, and its limits.
Verdict look_at_sqlserver_driver(const SqlServerConnection& server, const std::string& found);

// Encryption and the certificate, as the driver will judge them.
Verdict look_at_tls(const SqlServerConnection& server);

}  // namespace pulk
