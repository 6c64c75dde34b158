// The connections file (TOML, `configuration.toml` by default): sources, targets and defaults of the application.
// Plain structs; nothing is opened here. Every problem of a file is reported at once, each with its path in the file
// and a suggestion for unknown keys. Values may be references ("env:NAME", "file:PATH"), resolved while loading.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "config/kerberos_identity.h"
#include "config/snowflake_connection.h"
#include "config/sqlserver_connection.h"

namespace pulk {

struct PostgresConnection {
  std::string host = "localhost";   // or a folder with the server's socket
  int port = 5432;
  std::string database;
  std::string username;
  Secret password;
  std::string sslmode = "prefer";   // libpq's values
  std::string sslrootcert, sslcert, sslkey;
  KerberosIdentity kerberos;        // given() when auth is "kerberos"; then there is no password
  std::string krbsrvname, gssencmode;  // libpq's values; "" for its defaults
  std::string application_name = "pulk";
  int connect_timeout = 15;         // seconds
  int lock_timeout = 30;            // seconds to wait for ACCESS SHARE on a table
};

struct OdbcConnection {
  std::string driver_name;          // as in odbcinst.ini, or the path of the driver's library
  std::string dsn;
  std::string host;
  int port = 0;
  std::string database;             // for SQLite: the file
  std::string username;
  Secret password;
  std::map<std::string, std::string> odbc_options;  // any other driver keyword, passed through
  int connect_timeout = 15;
  bool snapshot_lock = false;       // writers are kept out while several connections begin their transactions
};

struct DuckdbConnection {
  std::string path;                 // the database file
};

struct FilesConnection {
  std::string path;                 // the folder
};

using SourceConnection = std::variant<PostgresConnection, OdbcConnection, SqlServerConnection>;
using TargetConnection = std::variant<DuckdbConnection, FilesConnection, SnowflakeTarget>;

struct ApplicationConfig {
  std::optional<int> max_parallel_tasks;
  std::optional<int> task_fetch_interval;
};

struct ConnectionsFile {
  std::string path;
  std::string selected_task_source;
  ApplicationConfig application;
  std::map<std::string, SourceConnection> sources;  // by kind: "postgresql", "odbc", "sqlserver"
  std::map<std::string, TargetConnection>
      targets;  // by kind: "duckdb", "files", "snowflake", "snowflake_connection_name"
  // Kinds of the contract that this version cannot use. Neither checked nor resolved: a file may serve other tools too.
  std::set<std::string> unsupported_sources, unsupported_targets;
  std::vector<std::string> without_effect;  // paths of the contract's settings that this version does not use
  std::vector<std::string> warnings;        // secrets in plain text in a file that others can read
};

// Turns "env:NAME", "file:PATH" or "vault:PATH#KEY" into its value; throws Error(usage) that names the reference, never the
// value. Text that is no reference is returned as it is.
using ReferenceResolver = std::function<std::string(std::string_view text)>;

// Whether the file has a target of the kind Snowflake. Resolves and checks nothing; false for a file that cannot be read.
bool names_snowflake(const std::string& path);

// Throws Error(usage) with all problems, Error(refused) when the only problems are references that this version cannot
// resolve. A kind of connection that the workflow contract names but this version cannot use (redshift, teradata
// ...) is only listed: whoever selects it refuses it.
// Relative paths of duckdb, files and SQLite databases are relative to the current folder.
// `resolve_anew` gives the newest value of a reference, whatever was read before; it is kept by the file's secrets, and
// called when a login fails.
ConnectionsFile load_connections(const std::string& path, const ReferenceResolver& resolve,
                                 const ReferenceResolver& resolve_anew = {});

}  // namespace pulk
