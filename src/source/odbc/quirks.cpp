#include "source/odbc/quirks.h"

#include "base/strings.h"

namespace pulk::odbc {
namespace {

// sqliteodbc 0.9998, by its source (sqlite3odbc.c) and by measurement on a table of 1 M rows and 16 columns:
//
// StepAPI=1     Without it SQLExecute copies the whole result into memory (643 MB); with it rows come one by one
//               (7 MB). It is taken only on a forward-only cursor, in autocommit mode as the driver sees it (so
//               transactions are opened by the plain statement BEGIN), and for one statement of a connection at a time.
// LongNames     not set: column labels are cut at dots, so that names are read from the catalog, never from the driver.
// every cell    travels as text: integers and reals by sqlite3_column_text, which writes reals with 15 digits; blobs as
//               X'hex'; native C types are then parsed back by strtoll(.., 0) and strtod, which take "12abc" for 12 and
//               "abc" for NULL. Reading SQL_C_CHAR costs nothing more and can be checked.
// C strings     text ends at its first NUL character: the length is compared with SQLite's own.
// block fetch   works with StepAPI, but only the last row of a block can be read by SQLGetData, and every step costs
//               the same: 1, 100 and 1,000 rows per block differ by less than the noise.
// SQLCancel     interrupts the connection and then frees the statement's rows without a lock: on the statement that is
//               being fetched that is a use after free; on an idle statement of the same connection only the
//               interrupt is left (answered within 1 ms of a running count).
// keywords      are cut out of the connection string at ';' with no regard to braces, into 512 bytes.
Quirks sqlite() {
  return {
      .driver = "sqlite3",
      .keywords = {{"StepAPI", "1"}, {"NoWCHAR", "1"}, {"FKSupport", "0"}, {"NoTXN", "0"}},
      .braces = false,
      .longest_value = 511,
      .long_cells_need_single_rows = true,
      .codes = ErrorCodes::sqlite,
      .cancel_by_idle_statement = true,
  };
}

// MariaDB Connector/ODBC 3.1.15 (Debian 12), by measurement on a table of 1 M rows and by its release notes:
//
// CHARSET       text arrives in this character set as SQL_C_CHAR; without it in that of the locale.
// memory        the driver holds the whole result of a statement (99 MB for 1 M rows of 70 bytes): partitions have to
//               be small. Version 3.1.17 can stream (NO_CACHE, FORWARDONLY), but with a forward-only cursor SQLSetPos
//               says SQL_SUCCESS and SQLGetData gives the cell of another row of the block.
// block fetch   works; SQLSetPos goes to any row, but the place in a long cell of the same column in an earlier row is
//               kept, so that SQLGetData gives the rest of a cell that nobody began. One row at a time costs 0.3 s of
//               CPU per 1 M rows.
// floats        1.5e-38 arrives as 0 in SQL_C_FLOAT: floats are read as doubles.
Quirks mariadb(std::string_view driver) {
  return {
      .driver = driver,
      .keywords = {{"CHARSET", "utf8mb4"}, {"NO_CACHE", "0"}, {"FORWARDONLY", "0"}},
      .long_cells_need_single_rows = true,
      .codes = ErrorCodes::mariadb,
  };
}

// psqlODBC 13.02 (Debian 12), by measurement and by the server's log of statements:
//
// UseDeclareFetch  off: it reads by a cursor whose FETCH has one size for a whole connection, WITH HOLD, and with a FETCH
//                  of two rows between any two blocks. pulk declares its own cursor and sizes each FETCH by bytes.
// Protocol         7.4-0: else every statement gets a savepoint of the driver's.
// client encoding  the driver sets SQL_ASCII in the locale C; a later SET client_encoding = UTF8 is left alone, and
//                  SQL_C_CHAR gives the server's bytes as they are, in psqlodbcw and psqlodbca.
// CommLog, Debug   Debian's odbcinst.ini switches CommLog on: a log in /tmp with statements and keywords.
// types            described wrongly (numeric without precision as (28,6), double as FLOAT with 17 digits, bool as text
//                  unless BoolsAsChar=0): what a column is comes from pg_catalog alone.
// values           double: text with 17 digits and strtod, every bit kept, NaN and infinities too; timestamps are taken
//                  apart and put together again, years beyond 9999 are lost: they are cast to text by the server.
// LFConversion     would write CR LF for LF.
// long cells       SQLSetPos and SQLGetData give the whole cell of any row of a block.
// passwords        a value without braces is percent-decoded, one in braces is not.
// ? in statements  is a parameter wherever it stands outside of quotes; SQL_ATTR_NOSCAN does not help.
Quirks psqlodbc(std::string_view driver) {
  return {
      .driver = driver,
      .keywords = {{"UseDeclareFetch", "0"}, {"Protocol", "7.4-0"}, {"BoolsAsChar", "0"}, {"ByteaAsLongVarBinary", "1"},
                   {"LFConversion", "0"}, {"TrueIsMinus1", "0"}, {"CommLog", "0"}, {"Debug", "0"}},
      .percent_decoded = true,
      .codes = ErrorCodes::postgres,
  };
}

// Microsoft's ODBC Driver 18 for SQL Server, by its documentation and by measurement:
//
// ConnectRetryCount  0: an idle connection that broke would be opened again by itself, without its transaction.
// MARS, Regional     off: one statement at a time, and texts of numbers and dates in no locale's form.
// long cells         a forward-only cursor has no SQLSetPos, and SQLGetData of a bound column ends with 07009.
// lost connections   SQLFetch may say SQL_NO_DATA when the connection was closed in the middle of the rows, so every
//                    statement that reads rows has their count behind it.
// wide               SQL_C_CHAR is the locale's character set, C without one.
// structures         decimal, time, datetimeoffset as SQL_C_BINARY are SQL_NUMERIC_STRUCT (with the column's own scale),
//                    SQL_SS_TIME2_STRUCT and SQL_SS_TIMESTAMPOFFSET_STRUCT; the C types of these are for ODBC 3.8 only.
Quirks msodbcsql(std::string_view driver) {
  return {
      .driver = driver,
      .keywords = {{"ConnectRetryCount", "0"}, {"MARS_Connection", "no"}, {"Regional", "no"}, {"AnsiNPW", "yes"}},
      .long_cells_need_single_rows = true,
      .long_cells_unbound = true,
      .one_statement = true,
      .codes = ErrorCodes::sqlserver,
      .wide = true,
  };
}

// FreeTDS's libtdsodbc 1.3, by its documentation: values that Microsoft's structures carry are cast to text by the server.
Quirks freetds(std::string_view driver) {
  return {
      .driver = driver,
      .keywords = {{"TDS_Version", "7.4"}, {"ClientCharset", "UTF-8"}},
      .doubled_braces = false,
      .long_cells_need_single_rows = true,
      .long_cells_unbound = true,
      .one_statement = true,
      .codes = ErrorCodes::sqlserver,
      .wide = true,
  };
}

}  // namespace

const Quirks& unknown_driver() {
  static const Quirks careful = [] {
    Quirks quirks;
    quirks.long_cells_need_single_rows = true;
    return quirks;
  }();
  return careful;
}

const Quirks* find_quirks(std::string_view driver_name) {
  static const Quirks known[] = {sqlite(), mariadb("mariadb"), mariadb("libmaodbc"), psqlodbc("psqlodbc"),
                                 psqlodbc("postgresql"), msodbcsql("msodbcsql"), msodbcsql("for sql server"),
                                 freetds("tdsodbc"), freetds("freetds")};
  // Of a library its file name: folders say nothing.
  const std::string name = to_lower(driver_name.substr(driver_name.rfind('/') + 1));
  for (const Quirks& quirks : known) {
    if (name.find(quirks.driver) != std::string::npos) return &quirks;
  }
  return nullptr;
}

}  // namespace pulk::odbc
