#include "source/odbc/connection_string.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace pulk::odbc {

ConnectionString& ConnectionString::add(std::string_view keyword, std::string_view value) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::usage, "the value of " + std::string(keyword) + " cannot be handed to the ODBC driver: " + why);
  };
  if (value.find('\0') != std::string_view::npos) refuse("it has a NUL character");
  if (quirks_.longest_value > 0 && value.size() > quirks_.longest_value) {
    refuse("it is longer than " + std::to_string(quirks_.longest_value) + " bytes");
  }
  const bool plain = value.find_first_of("[]{}(),;?*=!@") == std::string_view::npos &&
                     !(quirks_.percent_decoded && value.find_first_of("%+") != std::string_view::npos) &&
                     (value.empty() || (value.front() != ' ' && value.back() != ' '));
  text_.append(keyword).append("=");
  if (!quirks_.doubled_braces && value.find('}') != std::string_view::npos) {
    if (value.find(';') != std::string_view::npos || value.starts_with('{')) refuse("it has a } beside a ; or {");
    text_.append(value).append(";");
    return *this;
  }
  // The driver manager takes braces off the driver's name whatever the driver can do.
  const bool driver = iequals(keyword, "Driver");
  if (plain || (!quirks_.braces && !driver)) {
    if (!plain && value.find(';') != std::string_view::npos) refuse("it has a semicolon");
    text_.append(value);
  } else {
    text_ += '{';
    for (const char c : value) {
      text_ += c;
      if (c == '}') text_ += '}';
    }
    text_ += '}';
  }
  text_ += ';';
  return *this;
}

std::string connection_string(const OdbcConnection& connection, const Quirks& quirks, const std::string& database,
                              const std::vector<std::pair<std::string, std::string>>& dialect_keywords) {
  ConnectionString string(quirks);
  if (!connection.driver_name.empty()) string.add("Driver", connection.driver_name);
  if (connection.driver_name.empty()) string.add("DSN", connection.dsn);
  if (!database.empty()) string.add("Database", database);
  if (!connection.host.empty()) string.add("Server", connection.host);
  if (connection.port != 0) string.add("Port", std::to_string(connection.port));
  if (!connection.username.empty()) string.add(quirks.user_keyword, connection.username);
  if (!connection.password.empty()) string.add(quirks.password_keyword, connection.password.reveal());
  // What the quirks ask for comes first and is not left to the user: exactness and memory hang on it.
  std::vector<std::string> fixed;
  for (const auto& [keyword, value] : quirks.keywords) {
    string.add(keyword, value);
    fixed.push_back(keyword);
  }
  const auto given = [&](const std::string& keyword) {
    return std::any_of(connection.odbc_options.begin(), connection.odbc_options.end(),
                       [&](const auto& option) { return iequals(option.first, keyword); });
  };
  for (const auto& [keyword, value] : dialect_keywords) {
    if (!given(keyword)) string.add(keyword, value);
  }
  for (const auto& [keyword, value] : connection.odbc_options) {
    for (const std::string& known : fixed) {
      if (iequals(known, keyword)) {
        throw Error(ErrorKind::usage, "the ODBC option " + keyword + " is set by pulk itself", "",
                    "remove it from odbc_options");
      }
    }
    string.add(keyword, value);
  }
  return string.text();
}

}  // namespace pulk::odbc
