#include "source/odbc/sqlite_sessions.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "source/dialect/sqlite.h"
#include "source/odbc/connection_string.h"

namespace pulk::odbc {
namespace {

void check_file(const OdbcConnection& settings) {
  if (settings.database.empty()) {
    throw Error(ErrorKind::usage, "the connection names no database file", "connections.source.odbc",
                "set database to the path of the SQLite file");
  }
  std::error_code failed;
  if (!std::filesystem::is_regular_file(settings.database, failed)) {
    throw Error(ErrorKind::usage, "there is no such database file", settings.database,
                "a relative path starts at the current folder");
  }
  if (::access(settings.database.c_str(), R_OK) != 0) {
    throw Error(ErrorKind::refused, "the database file may not be read", settings.database);
  }
}

}  // namespace

std::unique_ptr<Connection> SqliteSessions::connect() {
  check_file(settings_);
  const std::string database = sqlite::file_uri(std::filesystem::absolute(settings_.database).string());
  // The driver's own 100 s would hide a writer that never lets go.
  const std::string text = connection_string(settings_, quirks_, database,
                                             {{"Timeout", std::to_string(settings_.connect_timeout * 1000)}});
  auto opened = std::make_unique<Connection>(text, quirks_, settings_.connect_timeout, settings_.database, cancel_);
  const std::lock_guard lock(mutex_);
  if (path_.empty()) {
    path_ = opened->value("SELECT file FROM pragma_database_list WHERE name = 'main'").value_or("");
  }
  return opened;
}

std::string SqliteSessions::path() {
  const std::lock_guard lock(mutex_);
  return path_;
}

}  // namespace pulk::odbc
