// Connections to one SQLite file: how they are opened. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "source/odbc/sessions.h"

namespace pulk::odbc {

// The connections can only read. settings.database: the file.
class SqliteSessions : public Sessions {
 public:
  using Sessions::Sessions;

  // The database file with its full path, known after the first open().
  std::string path();

 protected:
  std::unique_ptr<Connection> connect() override;

 private:
  std::string path_;
};

}  // namespace pulk::odbc
