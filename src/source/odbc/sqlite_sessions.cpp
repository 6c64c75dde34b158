#include "source/odbc/sqlite_sessions.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
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

SqliteSessions::SqliteSessions(OdbcConnection settings, const Quirks& quirks, int max_connections, CancelToken* cancel)
    : settings_(std::move(settings)), quirks_(quirks), cancel_(cancel), free_(std::max(1, max_connections)) {}

std::shared_ptr<Connection> SqliteSessions::open() {
  {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(settings_.connect_timeout);
    while (free_ == 0) {
      if (cancel_ != nullptr) cancel_->check();
      if (std::chrono::steady_clock::now() >= deadline) {
        throw Error(ErrorKind::retryable, "all connections that the run may open are in use", settings_.database);
      }
      // Short waits: a cancelled run tells this condition nothing.
      freed_.wait_for(lock, std::chrono::milliseconds(100));
    }
    --free_;
  }
  return connect();
}

std::shared_ptr<Connection> SqliteSessions::open_if_free() {
  {
    const std::lock_guard lock(mutex_);
    if (free_ == 0) return nullptr;
    --free_;
  }
  return connect();
}

std::shared_ptr<Connection> SqliteSessions::connect() {
  try {
    check_file(settings_);
    const std::string database = sqlite::file_uri(std::filesystem::absolute(settings_.database).string());
    // The driver's own 100 s would hide a writer that never lets go.
    const std::string text = connection_string(
        settings_, quirks_, database, {{"Timeout", std::to_string(settings_.connect_timeout * 1000)}});
    auto opened = std::make_unique<Connection>(text, quirks_, settings_.connect_timeout, settings_.database, cancel_);
    {
      const std::lock_guard lock(mutex_);
      if (path_.empty()) {
        path_ = opened->value("SELECT file FROM pragma_database_list WHERE name = 'main'").value_or("");
      }
    }
    const auto self = shared_from_this();
    return {opened.release(), [self](Connection* connection) {
              delete connection;
              self->give_back();
            }};
  } catch (...) {
    give_back();
    throw;
  }
}

void SqliteSessions::give_back() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

std::string SqliteSessions::path() {
  const std::lock_guard lock(mutex_);
  return path_;
}

}  // namespace pulk::odbc
