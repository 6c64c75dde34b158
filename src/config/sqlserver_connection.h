// A connection to SQL Server in the connections file. Names of keys are those of the workflow contract where it has
// them; meanings are those of "DSN and Connection String Keywords and Attributes" of Microsoft's ODBC Driver 18.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "config/entra_identity.h"
#include "config/kerberos_identity.h"
#include "config/toml_table.h"

namespace pulk {

// What a partition's statement sees, see docs/sqlserver.md. `automatic`: snapshot where the database allows it, else
// read_committed.
enum class SqlServerIsolation { automatic, snapshot, read_committed, serializable, read_uncommitted };

struct SqlServerConnection {
  enum class Auth { sql, kerberos, entra };

  std::string odbc_driver = "ODBC Driver 18 for SQL Server";  // as in odbcinst.ini, or the path of the driver's library
  std::string host, instance;
  int port = 0;  // 0: 1433, or what the browser service says of the instance
  std::string database;
  Auth auth = Auth::sql;
  std::string username;  // of SQL Server
  Secret password;
  KerberosIdentity kerberos;
  std::string server_spn;  // kerberos: "MSSQLSvc/host:port"; "": made by the driver
  EntraIdentity entra;
  std::string encrypt = "yes";  // yes, strict (TDS 8), no
  bool trust_server_certificate = false;
  std::string ca_certificate;           // file (PEM) with authorities beside those of the system
  std::string server_certificate;       // strict only: file with the one certificate that is taken
  std::string hostname_in_certificate;  // when it is not `host`
  std::string application_intent = "ReadWrite";
  bool multi_subnet_failover = false;
  int packet_size = 32767;  // bytes; encrypted connections get less
  std::string application_name = "pulk";
  int connect_timeout = 15;  // seconds
  int lock_timeout = 30;     // seconds to wait for a lock
  SqlServerIsolation isolation = SqlServerIsolation::automatic;
  bool snapshot_lock = false;  // tables are locked against writers while several connections begin their transactions
  std::map<std::string, std::string> odbc_options;
};

// Problems go to the file. Keys of the contract that do nothing here are added to `without_effect`.
SqlServerConnection read_sqlserver(TomlFile& file, TomlTable& table, std::vector<std::string>& without_effect);

}  // namespace pulk
