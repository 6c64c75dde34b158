/* An ODBC driver that pulk does not know: a real one under another name. Linked against the real driver's library; the driver
   manager finds all functions there, but for the one that tells the name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sql.h>
#include <sqlext.h>
#include <string.h>

static const char name[] = "libunheardof.so";

typedef SQLRETURN (*GetInfo)(SQLHDBC, SQLUSMALLINT, SQLPOINTER, SQLSMALLINT, SQLSMALLINT *);

SQLRETURN SQLGetInfo(SQLHDBC connection, SQLUSMALLINT what, SQLPOINTER value, SQLSMALLINT room, SQLSMALLINT *length) {
  if (what != SQL_DRIVER_NAME) return ((GetInfo)dlsym(RTLD_NEXT, "SQLGetInfo"))(connection, what, value, room, length);
  strncpy(value, name, (size_t)room);
  if (length) *length = (SQLSMALLINT)strlen(name);
  return SQL_SUCCESS;
}

SQLRETURN SQLGetInfoW(SQLHDBC connection, SQLUSMALLINT what, SQLPOINTER value, SQLSMALLINT room, SQLSMALLINT *length) {
  if (what != SQL_DRIVER_NAME) return ((GetInfo)dlsym(RTLD_NEXT, "SQLGetInfoW"))(connection, what, value, room, length);
  for (size_t i = 0; i < sizeof name && (i + 1) * 2 <= (size_t)room; ++i) ((SQLWCHAR *)value)[i] = (SQLWCHAR)name[i];
  if (length) *length = (SQLSMALLINT)(2 * strlen(name));
  return SQL_SUCCESS;
}
