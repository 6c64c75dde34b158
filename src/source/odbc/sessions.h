// Connections to one database: the hard cap on their number (I7). How one is opened is the derived class's. Thread-safe.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "config/connections.h"
#include "source/odbc/handle.h"

namespace pulk::odbc {

class Sessions : public std::enable_shared_from_this<Sessions> {
 public:
  Sessions(OdbcConnection settings, const Quirks& quirks, int max_connections, CancelToken* cancel);
  virtual ~Sessions() = default;

  // A connection outside any transaction; it counts against the cap until the last pointer goes. Waits for a free place
  // as long as the connect timeout; throws Error(retryable) after that.
  std::shared_ptr<Connection> open();
  // Nothing when no place is free now.
  std::shared_ptr<Connection> open_if_free();

 protected:
  virtual std::unique_ptr<Connection> connect() = 0;

  const OdbcConnection settings_;
  const Quirks& quirks_;
  CancelToken* const cancel_;
  std::mutex mutex_;

 private:
  std::shared_ptr<Connection> counted();
  void give_back();

  std::condition_variable freed_;
  int free_;
};

}  // namespace pulk::odbc
