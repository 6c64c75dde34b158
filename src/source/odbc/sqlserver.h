// SQL Server behind Microsoft's ODBC Driver 18, or FreeTDS: statements, consistency, the way of each column. The
// catalog is in sqlserver_catalog, logins are in sqlserver_sessions.
//
// One moment: a SNAPSHOT transaction sees the moment of its first access to data, and no other transaction can join it.
// So several connections see one moment only in a database snapshot, or when writers are locked out while they begin;
// one connection does whenever the database allows snapshot isolation. Sources: "SET TRANSACTION ISOLATION LEVEL",
// "Database snapshots", "Table hints".
#pragma once

#include <memory>
#include <string>

#include "config/sqlserver_connection.h"
#include "source/odbc/server_dialect.h"

namespace pulk::odbc {

struct SqlServerRules {
  std::string database;
  SqlServerIsolation isolation = SqlServerIsolation::automatic;
  int lock_timeout = 30;           // seconds
  bool native_structs = true;      // the driver hands over Microsoft's own structures
  bool encrypted_columns = false;  // the driver decrypts Always Encrypted
};

std::unique_ptr<ServerDialect> make_sqlserver_dialect(SqlServerRules rules);

}  // namespace pulk::odbc
