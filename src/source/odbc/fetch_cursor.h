// A cursor of PostgreSQL's: rows come by FETCH, as many at a time as make a moderate number of bytes, because the
// driver holds the rows of one FETCH in memory. Belongs to one thread.
#pragma once

#include <cstdint>
#include <string>

#include "source/odbc/handle.h"

namespace pulk::odbc {

class FetchCursor {
 public:
  // Declares it, in the transaction that runs on the connection.
  FetchCursor(Connection& connection, const std::string& select);
  ~FetchCursor();
  FetchCursor(const FetchCursor&) = delete;
  FetchCursor& operator=(const FetchCursor&) = delete;

  // The statement by which the next rows come, "" when the last one gave less than it was asked for.
  std::string next();
  // A row of this size has come.
  void count(std::int64_t bytes);

 private:
  Connection& connection_;
  std::int64_t asked_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace pulk::odbc
