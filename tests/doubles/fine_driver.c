/* SQLite's ODBC driver under a name that pulk does not know, and with the digits of a second that a column is declared with:
   timestamp(7) has 7. The driver itself says 10 for every column, and has the declared number in COLUMN_SIZE. */
#include "renamed_driver.c"

enum { COLUMN_SIZE = 7, DECIMAL_DIGITS = 9 };

static _Atomic(SQLHSTMT) listing; /* the statement whose rows are columns of a table */

typedef SQLRETURN (*Columns)(SQLHSTMT, SQLCHAR *, SQLSMALLINT, SQLCHAR *, SQLSMALLINT, SQLCHAR *, SQLSMALLINT, SQLCHAR *, SQLSMALLINT);
typedef SQLRETURN (*GetData)(SQLHSTMT, SQLUSMALLINT, SQLSMALLINT, SQLPOINTER, SQLLEN, SQLLEN *);
typedef SQLRETURN (*FreeHandle)(SQLSMALLINT, SQLHANDLE);

SQLRETURN SQLColumns(SQLHSTMT statement, SQLCHAR *catalog, SQLSMALLINT l1, SQLCHAR *schema, SQLSMALLINT l2, SQLCHAR *table,
                     SQLSMALLINT l3, SQLCHAR *column, SQLSMALLINT l4) {
  listing = statement;
  return ((Columns)dlsym(RTLD_NEXT, "SQLColumns"))(statement, catalog, l1, schema, l2, table, l3, column, l4);
}

SQLRETURN SQLGetData(SQLHSTMT statement, SQLUSMALLINT column, SQLSMALLINT type, SQLPOINTER value, SQLLEN room, SQLLEN *length) {
  static _Thread_local char declared[32]; /* a cell is given once, and columns are asked for in order, as text */
  if (statement == listing && column == DECIMAL_DIGITS && type == SQL_C_CHAR) {
    strncpy(value, declared, (size_t)room);
    *length = (SQLLEN)strlen(declared);
    return SQL_SUCCESS;
  }
  SQLRETURN result = ((GetData)dlsym(RTLD_NEXT, "SQLGetData"))(statement, column, type, value, room, length);
  if (statement == listing && column == COLUMN_SIZE && type == SQL_C_CHAR) strncpy(declared, value, sizeof declared - 1);
  return result;
}

SQLRETURN SQLFreeHandle(SQLSMALLINT kind, SQLHANDLE handle) {
  if (handle == listing) listing = NULL;
  return ((FreeHandle)dlsym(RTLD_NEXT, "SQLFreeHandle"))(kind, handle);
}
