// Writes ODBC connection strings. Pure functions; the result may hold a password and is never logged (I4).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/connections.h"
#include "source/odbc/quirks.h"

namespace pulk::odbc {

// "KEYWORD=value;": a value that the grammar would take apart goes into braces, with } doubled. Throws Error(usage)
// that names the keyword, never the value, when the driver cannot take it.
class ConnectionString {
 public:
  explicit ConnectionString(const Quirks& quirks) : quirks_(quirks) {}
  ConnectionString& add(std::string_view keyword, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  const Quirks& quirks_;
  std::string text_;
};

// Driver or DSN, what the quirks ask for (not left to the user), the defaults of the dialect, the user's own options.
// `database` is what the dialect made of connection.database.
std::string connection_string(const OdbcConnection& connection, const Quirks& quirks, const std::string& database,
                              const std::vector<std::pair<std::string, std::string>>& dialect_keywords);

}  // namespace pulk::odbc
