#include "source/odbc/error_codes.h"

#include <string_view>

#include "base/strings.h"
#include "pg/error.h"

namespace pulk::odbc {
namespace {

// sqlite.org/rescode.html
ErrorKind kind_of_sqlite(int native) {
  switch (native & 0xFF) {
    case 5:    // SQLITE_BUSY
    case 6:    // SQLITE_LOCKED
    case 7:    // SQLITE_NOMEM
    case 9:    // SQLITE_INTERRUPT
    case 10:   // SQLITE_IOERR
    case 13:   // SQLITE_FULL
    case 15:   // SQLITE_PROTOCOL
    case 17:   // SQLITE_SCHEMA
      return ErrorKind::retryable;
    case 11:   // SQLITE_CORRUPT
    case 26:   // SQLITE_NOTADB
    case 3:    // SQLITE_PERM
    case 8:    // SQLITE_READONLY: a journal that a crash left behind waits for a writer
    case 23:   // SQLITE_AUTH
      return ErrorKind::refused;
    default: return ErrorKind::usage;  // a name or an SQL text that a person wrote
  }
}

// mariadb.com/kb/en/mariadb-error-code-reference
ErrorKind kind_of_mariadb(int native) {
  switch (native) {
    case 1040:  // ER_CON_COUNT_ERROR
    case 1053:  // ER_SERVER_SHUTDOWN
    case 1158:  // ER_NET_READ_ERROR
    case 1159:  // ER_NET_READ_INTERRUPTED
    case 1205:  // ER_LOCK_WAIT_TIMEOUT
    case 1213:  // ER_LOCK_DEADLOCK
    case 1226:  // ER_USER_LIMIT_REACHED
    case 1317:  // ER_QUERY_INTERRUPTED
    case 1412:  // ER_TABLE_DEF_CHANGED: altered between the start of the transaction and the first read
    case 1927:  // ER_CONNECTION_KILLED
    case 1969:  // ER_STATEMENT_TIMEOUT
    case 2002:  // CR_CONNECTION_ERROR
    case 2003:  // CR_CONN_HOST_ERROR
    case 2006:  // CR_SERVER_GONE_ERROR
    case 2013:  // CR_SERVER_LOST
      return ErrorKind::retryable;
    case 1044:  // ER_DBACCESS_DENIED_ERROR
    case 1045:  // ER_ACCESS_DENIED_ERROR
    case 1142:  // ER_TABLEACCESS_DENIED_ERROR
    case 1143:  // ER_COLUMNACCESS_DENIED_ERROR
    case 1227:  // ER_SPECIFIC_ACCESS_DENIED_ERROR
    case 1698:  // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
      return ErrorKind::refused;
    default: return ErrorKind::usage;
  }
}

// psqlODBC hands on the server's SQLSTATE, but for a failed login, which is 08001 whatever the reason.
ErrorKind kind_of_postgres(const Diagnostics& found) {
  if (found.state.starts_with("HYT")) return ErrorKind::retryable;
  if (found.state.starts_with("HY") || found.state.starts_with("IM") || found.state.starts_with("07")) return ErrorKind::usage;
  const bool answered = contains(found.text, "FATAL");
  if (found.state.starts_with("08") && answered && !contains(found.text, "too many") &&
      !contains(found.text, "starting up") && !contains(found.text, "shutting down"))
    return ErrorKind::refused;
  return pg::kind_of_sqlstate(found.state);
}

// "Database Engine events and errors" of SQL Server; the last ones are those that "Transient fault handling" of Azure SQL
// names.
ErrorKind kind_of_sqlserver(const Diagnostics& found) {
  switch (found.native) {
    case 701:    // no memory
    case 1204:   // no lock resources
    case 1205:   // deadlock victim
    case 1222:   // lock timeout
    case 3960:   // update conflict of a snapshot transaction
    case 3961:   // altered since the snapshot began
    case 3958: case 3959: case 3966: case 3967:  // the store of row versions: full, or the transaction is its victim
    case 921: case 922: case 926: case 927: case 952:  // the database is starting, or between two states
    case 17187: case 18401:  // the server is
    case 615: case 40549: case 40550: case 40551: case 40552: case 40553: case 42108: case 42109:  // Azure
    case 6005:   // shutdown
    case 596:    // session killed
    case 8628: case 8645: case 8651:  // waiting for memory
    case 976: case 978: case 979: case 983:  // availability groups
    case 17142: case 17830:  // paused; login takes too long
    case 4221:   // secondary waits for row versions
    case 40143: case 40197: case 40501: case 40540: case 40613: case 10928: case 10929: case 49918: case 49919: case 49920:
      return ErrorKind::retryable;
    case 229: case 230: case 262: case 297: case 300:  // permission denied on object, column, statement, server
    case 916:    // the login may not use the database
    case 3952:   // snapshot isolation is not allowed
    case 18456: case 18452: case 18470: case 18486: case 18487: case 18488:  // logins
    case 4060:   // cannot open the database of the login
      return ErrorKind::refused;
    default: break;
  }
  // In the middle of "SSPI Provider: …"
  if (contains(found.text, "Cannot contact any KDC")) return ErrorKind::retryable;
  if (contains(found.text, "certificate verify failed") || contains(found.text, "SSPI Provider") ||
      contains(found.text, "subject name does not match"))
    return ErrorKind::refused;
  if (found.state.starts_with("08") || found.state.starts_with("HYT") || found.state == "40001") return ErrorKind::retryable;
  if (found.state.starts_with("28")) return ErrorKind::refused;
  return ErrorKind::usage;
}

std::string hint_of_sqlserver(const Diagnostics& found) {
  switch (found.native) {
    case 18456: return "check the login and its password; the server's error log says which of them is wrong";
    case 18486: return "the login is locked: ALTER LOGIN … WITH PASSWORD = '…' UNLOCK";
    case 18487: case 18488: return "the password has expired or must be changed: set a new one and store it where pulk reads it";
    case 18452: return "the login comes from an untrusted domain: check the account's domain, the SPN and the clock";
    case 4060: case 916: return "check the name of the database, and that the login has a user in it";
    case 229: case 230: return "GRANT SELECT to the user that pulk logs in with";
    case 3952: return "ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or choose another isolation in the connections file";
    case 1222: return "another session holds a lock on the table; lock_timeout in the connections file is how long pulk waits";
    case 3961: return "the table was altered or truncated after the moment that is read: run again";
    default: break;
  }
  if (contains(found.text, "certificate verify failed"))
    return "name the authority's certificate by ca_certificate, or have the system trust it (update-ca-certificates)";
  if (contains(found.text, "subject name does not match")) return "name what the certificate says by hostname_in_certificate";
  if (contains(found.text, "SSPI Provider")) return "`pulk doctor` looks at keytab, clock, ticket and service principal";
  return "";
}

// Of the driver manager: no such name, or no such library.
bool is_driver_missing(const Diagnostics& found) {
  return found.state == "IM002" || contains(found.text, "Can't open lib");
}

}  // namespace

ErrorKind kind_of(const Diagnostics& found, ErrorCodes codes) {
  const std::string_view state = found.state;
  if (is_driver_missing(found)) return ErrorKind::usage;
  if (codes == ErrorCodes::postgres) return kind_of_postgres(found);
  if (codes == ErrorCodes::sqlserver) return kind_of_sqlserver(found);
  if (state.starts_with("08") || state.starts_with("HYT") || state == "40001") return ErrorKind::retryable;
  if (state.starts_with("28")) return ErrorKind::refused;
  switch (codes) {
    case ErrorCodes::sqlite: return kind_of_sqlite(found.native);
    case ErrorCodes::mariadb: return kind_of_mariadb(found.native);
    case ErrorCodes::postgres:
    case ErrorCodes::sqlserver:
    case ErrorCodes::none: break;
  }
  return ErrorKind::usage;
}

bool ends_transaction(const Diagnostics& found, ErrorCodes codes) {
  if (found.state.starts_with("08")) return true;
  const int code = found.native;
  switch (codes) {
    // SQLite rolls the transaction back by itself after these, also when it was only reading.
    case ErrorCodes::sqlite:
      return (code & 0xFF) == 7 || (code & 0xFF) == 10 || (code & 0xFF) == 11 || (code & 0xFF) == 13;
    case ErrorCodes::mariadb: return code == 1053 || code == 1213 || code == 1927 || code == 2006 || code == 2013;
    // A failed statement leaves the transaction to its savepoints.
    case ErrorCodes::postgres: return found.state.starts_with("57P") || found.state.size() != 5;
    case ErrorCodes::sqlserver:
      // Whatever else ends it is seen by the count behind the rows.
      return code == 241 || code == 242 || code == 245 || code == 1205 || code == 3951 || code == 3958 || code == 3959 ||
             code == 3960 || code == 3961 || code == 3966 || code == 3967 || code == 596 || code == 6005 ||
             (code >= 40549 && code <= 40553);
    case ErrorCodes::none: break;
  }
  // Nobody knows: what comes next must not be of another moment.
  return true;
}

std::string hint_of(const Diagnostics& found, ErrorCodes codes) {
  if (is_driver_missing(found)) {
    return "`odbcinst -q -d` lists the installed drivers";
  }
  if (codes == ErrorCodes::sqlserver) return hint_of_sqlserver(found);
  const int code = found.native;
  if (codes == ErrorCodes::sqlite && (code & 0xFF) == 5) {
    return "another process writes to the database: run again when it is done";
  }
  if (codes == ErrorCodes::sqlite && (code & 0xFF) == 8) {
    return "a crash left a transaction unfinished: open the database once with a program that may write to it";
  }
  if (codes == ErrorCodes::mariadb && (code == 1044 || code == 1142 || code == 1143)) {
    return "grant SELECT to the user that pulk logs in with";
  }
  if (codes == ErrorCodes::postgres && found.state == "07002") {
    return "an ODBC driver takes ? for a parameter: write the operator as its function, such as jsonb_exists()";
  }
  if (codes == ErrorCodes::postgres && found.state == "42501") {
    return "ask the owner to GRANT the missing privilege to this login";
  }
  return "";
}

}  // namespace pulk::odbc
