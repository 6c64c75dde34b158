// The floor of reading over ODBC: fetches blocks into bound columns and throws them away.
// odbc_drain CONNECTION_STRING SQL [structures]
//
// Numbers are bound as the driver describes them, all else as text or bytes of at most 256 bytes a cell. "structures" is for
// Microsoft's driver: decimals, dates, times and GUIDs as C structures, text as UTF-16, which cost it least.
#include <sql.h>
#include <sqlext.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr SQLULEN kRows = 1000;

void check(SQLRETURN code, SQLSMALLINT kind, SQLHANDLE handle) {
  if (SQL_SUCCEEDED(code)) return;
  SQLCHAR state[6] = {}, text[512] = {};
  SQLSMALLINT length = 0;
  SQLGetDiagRec(kind, handle, 1, state, nullptr, text, sizeof text, &length);
  std::fprintf(stderr, "odbc_drain: %s %s\n", reinterpret_cast<char*>(state), reinterpret_cast<char*>(text));
  std::exit(1);
}

struct Bound {
  SQLSMALLINT type;
  SQLLEN width;
};

Bound bound_as(SQLSMALLINT type) {
  switch (type) {
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
      return {SQL_C_SBIGINT, 8};
    case SQL_REAL:
    case SQL_FLOAT:
    case SQL_DOUBLE:
      return {SQL_C_DOUBLE, 8};
    case SQL_BIT:
      return {SQL_C_BIT, 1};
    case SQL_BINARY:
    case SQL_VARBINARY:
    case SQL_LONGVARBINARY:
      return {SQL_C_BINARY, 256};
    default:
      return {SQL_C_CHAR, 256};
  }
}

// The cheapest C type of Microsoft's driver; -154 and -155 are its types for time and datetimeoffset.
Bound structure_for(SQLSMALLINT type, SQLULEN size) {
  switch (type) {
    case SQL_DECIMAL:
    case SQL_NUMERIC: return {SQL_C_BINARY, sizeof(SQL_NUMERIC_STRUCT)};
    case SQL_TYPE_DATE: return {SQL_C_TYPE_DATE, sizeof(SQL_DATE_STRUCT)};
    case SQL_TYPE_TIMESTAMP: return {SQL_C_TYPE_TIMESTAMP, sizeof(SQL_TIMESTAMP_STRUCT)};
    case SQL_GUID: return {SQL_C_GUID, sizeof(SQLGUID)};
    case -154: return {SQL_C_BINARY, 12};
    case -155: return {SQL_C_BINARY, 20};
    case SQL_REAL: return {SQL_C_FLOAT, 4};
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_WCHAR:
    case SQL_WVARCHAR: return {SQL_C_WCHAR, static_cast<SQLLEN>(2 * size + 2)};
    default: return bound_as(type);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 1;
  SQLHENV environment = nullptr;
  SQLHDBC connection = nullptr;
  SQLHSTMT statement = nullptr;
  SQLAllocHandle(SQL_HANDLE_ENV, nullptr, &environment);
  SQLSetEnvAttr(environment, SQL_ATTR_ODBC_VERSION, reinterpret_cast<SQLPOINTER>(SQL_OV_ODBC3), 0);
  SQLAllocHandle(SQL_HANDLE_DBC, environment, &connection);
  check(SQLDriverConnect(connection, nullptr, reinterpret_cast<SQLCHAR*>(argv[1]), SQL_NTS, nullptr, 0, nullptr,
                         SQL_DRIVER_NOPROMPT),
        SQL_HANDLE_DBC, connection);
  SQLAllocHandle(SQL_HANDLE_STMT, connection, &statement);
  check(SQLExecDirect(statement, reinterpret_cast<SQLCHAR*>(argv[2]), SQL_NTS), SQL_HANDLE_STMT, statement);
  // Set before, Microsoft's driver would open a cursor on the server.
  SQLSetStmtAttr(statement, SQL_ATTR_ROW_ARRAY_SIZE, reinterpret_cast<SQLPOINTER>(kRows), 0);
  SQLULEN fetched = 0;
  SQLSetStmtAttr(statement, SQL_ATTR_ROWS_FETCHED_PTR, &fetched, 0);
  SQLSMALLINT columns = 0;
  SQLNumResultCols(statement, &columns);
  std::vector<std::vector<char>> cells(static_cast<std::size_t>(columns));
  std::vector<std::vector<SQLLEN>> lengths(static_cast<std::size_t>(columns), std::vector<SQLLEN>(kRows));
  for (SQLSMALLINT i = 0; i < columns; ++i) {
    SQLSMALLINT type = 0;
    SQLULEN size = 0;
    SQLDescribeCol(statement, static_cast<SQLUSMALLINT>(i + 1), nullptr, 0, nullptr, &type, &size, nullptr, nullptr);
    const Bound as = argc == 4 ? structure_for(type, size) : bound_as(type);
    const auto at = static_cast<std::size_t>(i);
    cells[at].resize(static_cast<std::size_t>(as.width) * kRows);
    check(SQLBindCol(statement, static_cast<SQLUSMALLINT>(i + 1), as.type, cells[at].data(), as.width,
                     lengths[at].data()),
          SQL_HANDLE_STMT, statement);
  }
  unsigned long long rows = 0;
  SQLRETURN result = SQL_SUCCESS;
  while (SQL_SUCCEEDED(result = SQLFetch(statement))) rows += fetched;
  if (result != SQL_NO_DATA) check(result, SQL_HANDLE_STMT, statement);
  std::printf("%llu rows\n", rows);
  return 0;
}
