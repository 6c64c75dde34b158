// What is particular about an ODBC driver: how it must be asked to behave, and what it must not be trusted with. One
// table, each entry with its evidence.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pulk::odbc {

enum class ErrorCodes { none, sqlite, mariadb, postgres, sqlserver };

struct Quirks {
  std::string_view driver;  // what SQL_DRIVER_NAME and the driver's name in odbcinst.ini contain, lower case
  // Keywords that every connection string gets.
  std::vector<std::pair<std::string, std::string>> keywords;
  // Values of the connection string may be written {in braces}.
  bool braces = true;
  // A } inside of braces may be written }}.
  bool doubled_braces = true;
  // Values without braces are taken for percent-encoded.
  bool percent_decoded = false;
  // Keywords by which the driver calls user and password.
  std::string_view user_keyword = "UID";
  std::string_view password_keyword = "PWD";
  // Longest value of a keyword, 0: no limit known.
  std::size_t longest_value = 0;
  // SQLGetData reaches only the last row of a block.
  bool long_cells_need_single_rows = false;
  // SQLGetData reaches only columns that are not bound, in their order, and the length of a cell may not be known before
  // its end: such columns stand last in a statement.
  bool long_cells_unbound = false;
  // A connection carries one statement: the next one fails as long as rows of the last are not read.
  bool one_statement = false;
  // Whose numbers the native error codes are.
  ErrorCodes codes = ErrorCodes::none;
  // SQLCancel must not be called on a statement that another thread is executing.
  bool cancel_by_idle_statement = false;
  // Statements, small results and diagnostics go as UTF-16: the driver would take and give bytes in the locale's
  // character set.
  bool wide = false;
};

// For a driver that is not in the table: nothing is taken for granted.
const Quirks& unknown_driver();

// The entry whose `driver` is part of the name; nullptr when the driver is not known.
const Quirks* find_quirks(std::string_view driver_name);

}  // namespace pulk::odbc
