// Connections to one SQLite file: how they are opened, and the hard cap on their number (I7). Thread-safe.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "config/connections.h"
#include "source/odbc/handle.h"

namespace pulk::odbc {

class SqliteSessions : public std::enable_shared_from_this<SqliteSessions> {
 public:
  // settings.database: the file.
  SqliteSessions(OdbcConnection settings, const Quirks& quirks, int max_connections, CancelToken* cancel);

  // A connection that can only read, outside any transaction; it counts against the cap until the last pointer goes.
  // Waits for a free place as long as the connect timeout; throws Error(retryable) after that.
  std::shared_ptr<Connection> open();
  // Nothing when no place is free now.
  std::shared_ptr<Connection> open_if_free();

  // The database file with its full path, known after the first open().
  std::string path();

 private:
  std::shared_ptr<Connection> connect();
  void give_back();

  const OdbcConnection settings_;
  const Quirks& quirks_;
  CancelToken* const cancel_;
  std::mutex mutex_;
  std::condition_variable freed_;
  int free_;
  std::string path_;
};

}  // namespace pulk::odbc
