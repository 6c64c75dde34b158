// What a driver's diagnostics mean: what kind of error, whether the transaction is gone, what to do. Pure functions.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"
#include "source/odbc/quirks.h"

namespace pulk::odbc {

// An Error that still knows its SQLSTATE.
class DriverError : public Error {
 public:
  DriverError(ErrorKind kind, std::string message, std::string subject, std::string hint, std::string state)
      : Error(kind, std::move(message), std::move(subject), std::move(hint)), state_(std::move(state)) {}
  const std::string& state() const noexcept { return state_; }

 private:
  std::string state_;
};

struct Diagnostics {
  std::string state;  // SQLSTATE of the first record
  int native = 0;
  std::string text;
};

ErrorKind kind_of(const Diagnostics& found, ErrorCodes codes);
// The database has rolled back by itself, or the connection is gone.
bool ends_transaction(const Diagnostics& found, ErrorCodes codes);
std::string hint_of(const Diagnostics& found, ErrorCodes codes);

}  // namespace pulk::odbc
