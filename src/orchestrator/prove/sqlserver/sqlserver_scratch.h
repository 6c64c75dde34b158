// The schema that the probes of SQL Server work in: made at the start, dropped at the end with all that is in it, also
// after an error and after Ctrl-C. What a killed process left is found by its name and dropped by the next one.
#pragma once

#include <string>
#include <vector>

#include "config/sqlserver_connection.h"
#include "source/odbc/handle.h"

namespace pulk::prove {

class SqlServerScratch {
 public:
  // Drops leftovers and makes the schema. Throws what the server says, Error(retryable) when it is away.
  SqlServerScratch(const SqlServerConnection& connection, std::string name, CancelToken* cancel);
  // By a login of its own that cannot be cancelled. What cannot be dropped is named in the log.
  ~SqlServerScratch();
  SqlServerScratch(const SqlServerScratch&) = delete;
  SqlServerScratch& operator=(const SqlServerScratch&) = delete;

  const std::vector<std::string>& dropped() const { return dropped_; }  // leftovers

 private:
  void drop() const;

  const SqlServerConnection connection_;
  const std::string name_;
  std::vector<std::string> dropped_;
};

}  // namespace pulk::prove
