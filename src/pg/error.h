// What the server said, as a pulk::Error of the right kind. Used by every room that talks to PostgreSQL. Pure
// functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pulk::pg {

// An Error that still knows its SQLSTATE, for callers that have another way out ("" when there was none).
class SqlError : public Error {
 public:
  SqlError(ErrorKind kind, std::string message, std::string subject, std::string hint, std::string sqlstate)
      : Error(kind, std::move(message), std::move(subject), std::move(hint)), sqlstate_(std::move(sqlstate)) {}
  const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  std::string sqlstate_;
};

struct ServerMessage {
  std::string sqlstate;
  std::string text;
  std::string detail;
  std::string hint;
};

ErrorKind kind_of_sqlstate(std::string_view sqlstate);

// `interrupted`: we asked the server to cancel the statement ourselves.
SqlError to_error(const ServerMessage& message, bool interrupted);

// A failed login. libpq gives only text here; opened with verbose messages it holds "SEVERITY:  SQLSTATE: text".
// `needs_password`: the server asked for a password and none was given.
SqlError login_error(std::string_view libpq_text, bool needs_password);

// The same for a login by Kerberos, as `principal`.
SqlError kerberos_login_error(std::string_view libpq_text, const std::string& principal, bool needs_password);

}  // namespace pulk::pg
