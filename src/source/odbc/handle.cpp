#include "source/odbc/handle.h"

#include <sqlucode.h>
#include <string.h>

#include <chrono>
#include <condition_variable>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "source/odbc/cell_parser.h"
#include "source/odbc/error_codes.h"

namespace pulk::odbc {
namespace {

struct Record {
  std::string state, text;
  SQLINTEGER native = 0;
};

// Without its terminator.
std::string utf8_of(const SQLWCHAR* text, std::size_t units) {
  std::size_t length = 0;
  while (length < units && text[length] != 0) ++length;
  return to_utf8({reinterpret_cast<const char*>(text), length * sizeof(SQLWCHAR)}).value_or("?");
}

std::optional<Record> record(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT number, bool wide) {
  constexpr SQLSMALLINT kLength = 1024;
  Record found;
  SQLSMALLINT length = 0;
  if (wide) {
    SQLWCHAR state[6] = {};
    SQLWCHAR message[kLength] = {};
    if (!SQL_SUCCEEDED(SQLGetDiagRecW(type, handle, number, state, &found.native, message, kLength, &length)))
      return std::nullopt;
    found.state = utf8_of(state, 5);
    found.text = utf8_of(message, kLength);
    return found;
  }
  SQLCHAR state[6] = {};
  SQLCHAR message[kLength] = {};
  if (!SQL_SUCCEEDED(SQLGetDiagRec(type, handle, number, state, &found.native, message, kLength, &length)))
    return std::nullopt;
  found.state = reinterpret_cast<const char*>(state);
  found.text = reinterpret_cast<const char*>(message);
  return found;
}

Diagnostics diagnostics(SQLSMALLINT type, SQLHANDLE handle, bool wide) {
  Diagnostics all;
  bool was_warning = false;
  for (SQLSMALLINT i = 1; i <= 4; ++i) {
    const auto found = record(type, handle, i, wide);
    if (!found) break;
    // A warning may stand before what went wrong.
    const bool warning = found->state.starts_with("01") || found->state == "IM006";
    if (all.state.empty() || (was_warning && !warning)) {
      all.state = found->state;
      all.native = found->native;
      was_warning = warning;
    }
    if (!all.text.empty()) all.text += "; ";
    all.text += found->text;
  }
  return all;
}

DriverError to_error(const Diagnostics& found, ErrorCodes codes, const std::string& what, const std::string& subject) {
  std::string text = what + ": " + (found.text.empty() ? "no diagnostics from the driver" : found.text);
  if (!found.state.empty())
    text += " [" + found.state + (codes == ErrorCodes::sqlserver && found.native != 0 ? ", error " + std::to_string(found.native) : "") + "]";
  return {kind_of(found, codes), text, subject, hint_of(found, codes), found.state};
}

SQLCHAR* bytes_of(const std::string& text) {
  // ODBC's functions take input as plain pointers and do not write to it.
  return reinterpret_cast<SQLCHAR*>(const_cast<char*>(text.c_str()));  // NOLINT
}

// With a terminator. Throws Error(usage) for what is no UTF-8.
std::vector<SQLWCHAR> wide_of(const std::string& text) {
  const auto units = to_utf16(text);
  if (!units) throw Error(ErrorKind::usage, "a text for the database is not UTF-8");
  std::vector<SQLWCHAR> out(units->begin(), units->end());
  out.push_back(0);
  return out;
}

SQLPOINTER number(SQLULEN value) { return reinterpret_cast<SQLPOINTER>(value); }  // NOLINT

}  // namespace

Connection::Connection(const std::string& connection_string, const Quirks& quirks, int timeout_seconds,
                       std::string subject, CancelToken* cancel, const std::function<void(SQLHDBC)>& before_login)
    : quirks_(quirks), subject_(std::move(subject)), cancel_(cancel) {
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env_))) {
    throw Error(ErrorKind::internal, "unixODBC gives no environment", subject_);
  }
  try {
    SQLSetEnvAttr(env_, SQL_ATTR_ODBC_VERSION, number(SQL_OV_ODBC3), 0);
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, env_, &dbc_))) {
      throw Error(ErrorKind::internal, "unixODBC gives no connection handle", subject_);
    }
    SQLSetConnectAttr(dbc_, SQL_ATTR_LOGIN_TIMEOUT, number(static_cast<SQLULEN>(timeout_seconds)), 0);
    if (before_login) before_login(dbc_);
    SQLRETURN result = SQL_ERROR;
    if (quirks_.wide) {
      std::vector<SQLWCHAR> wide = wide_of(connection_string);
      result = SQLDriverConnectW(dbc_, nullptr, wide.data(), SQL_NTS, nullptr, 0, nullptr, SQL_DRIVER_NOPROMPT);
      explicit_bzero(wide.data(), wide.size() * sizeof(SQLWCHAR));
    } else {
      result = SQLDriverConnect(dbc_, nullptr, bytes_of(connection_string), SQL_NTS, nullptr, 0, nullptr,
                                SQL_DRIVER_NOPROMPT);
    }
    if (!SQL_SUCCEEDED(result)) throw to_error(diagnostics(SQL_HANDLE_DBC, dbc_, quirks_.wide), quirks_.codes, "cannot connect", subject_);
    connected_ = true;
    if (quirks_.cancel_by_idle_statement && !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, dbc_, &idle_))) {
      throw to_error(diagnostics(SQL_HANDLE_DBC, dbc_, quirks_.wide), quirks_.codes, "no statement", subject_);
    }
    if (cancel_ != nullptr) {
      registration_ = std::make_unique<CancelToken::Registration>(*cancel_, [this] { interrupt(); });
    }
  } catch (...) {
    close();
    throw;
  }
}

Connection::~Connection() { close(); }

Connection::Rows::Rows(Connection& connection) {
  if (!connection.quirks().one_statement) return;
  while (!connection.rows_.try_acquire_for(std::chrono::milliseconds(200))) connection.check_cancelled();
  connection_ = &connection;
}

bool Connection::Rows::try_hold(Connection& connection, Rows& rows) {
  if (!connection.quirks().one_statement) return true;
  if (!connection.rows_.try_acquire()) return false;
  rows.connection_ = &connection;
  return true;
}

void Connection::Rows::release() {
  if (connection_ != nullptr) connection_->rows_.release();
  connection_ = nullptr;
}

void Connection::close() noexcept {
  registration_.reset();
  again_ = {};
  if (idle_ != SQL_NULL_HSTMT) SQLFreeHandle(SQL_HANDLE_STMT, idle_);
  if (connected_) SQLDisconnect(dbc_);
  if (dbc_ != SQL_NULL_HDBC) SQLFreeHandle(SQL_HANDLE_DBC, dbc_);
  if (env_ != SQL_NULL_HENV) SQLFreeHandle(SQL_HANDLE_ENV, env_);
  idle_ = SQL_NULL_HSTMT;
  dbc_ = SQL_NULL_HDBC;
  env_ = SQL_NULL_HENV;
  connected_ = false;
}

void Connection::cancel_running() {
  const SQLHSTMT target = quirks_.cancel_by_idle_statement ? idle_ : running_;
  if (target != SQL_NULL_HSTMT) SQLCancel(target);
}

void Connection::interrupt() {
  const std::lock_guard lock(running_mutex_);
  cancel_running();
  if (again_.joinable()) return;
  again_ = std::jthread([this](const std::stop_token& stop) {
    std::condition_variable_any stopped;
    std::unique_lock waiting(running_mutex_);
    while (!stopped.wait_for(waiting, stop, std::chrono::milliseconds(500), [&] { return stop.stop_requested(); })) {
      if (executing_) cancel_running();
    }
  });
}

void Connection::set_executing(bool executing) {
  const std::lock_guard lock(running_mutex_);
  executing_ = executing;
}

void Connection::check_cancelled() const {
  if (cancel_ != nullptr) cancel_->check();
}

void Connection::lose_transaction() {
  lost_ = true;
  throw Error(ErrorKind::retryable, "the server has ended the transaction that holds the moment", subject_);
}

std::string Connection::info(SQLUSMALLINT what) const {
  char text[256] = {};
  SQLSMALLINT length = 0;
  if (!SQL_SUCCEEDED(SQLGetInfo(dbc_, what, text, sizeof text, &length))) return "";
  return text;
}

SQLUINTEGER Connection::number_info(SQLUSMALLINT what) const {
  // Drivers write two bytes or four, as the kind of information has it.
  SQLUINTEGER value = 0;
  SQLSMALLINT length = 0;
  return SQL_SUCCEEDED(SQLGetInfo(dbc_, what, &value, sizeof value, &length)) ? value : 0;
}

std::vector<Row> Connection::query(const std::string& sql) {
  Statement statement(*this);
  statement.execute(sql);
  return statement.rows();
}

std::vector<Row> Statement::rows() {
  const int width = columns();
  std::vector<Row> rows;
  while (fetch()) {
    Row row(static_cast<std::size_t>(width));
    for (int i = 0; i < width; ++i) {
      // Room for the terminator is taken off a piece that is full.
      const bool wide = connection_.quirks().wide;
      const std::size_t terminator = wide ? sizeof(SQLWCHAR) : 1;
      std::string cell;
      alignas(SQLWCHAR) char piece[1024];
      SQLLEN length = 0;
      for (;;) {
        const SQLRETURN result = SQLGetData(handle_, static_cast<SQLUSMALLINT>(i + 1), wide ? SQL_C_WCHAR : SQL_C_CHAR,
                                            piece, sizeof piece, &length);
        if (result == SQL_NO_DATA) break;
        if (!SQL_SUCCEEDED(result)) fail("cannot read a cell");
        if (length == SQL_NULL_DATA) break;
        const bool more = length == SQL_NO_TOTAL || static_cast<std::size_t>(length) > sizeof piece - terminator;
        cell.append(piece, more ? sizeof piece - terminator : static_cast<std::size_t>(length));
        if (!more) break;
      }
      if (wide) cell = to_utf8(cell).value_or("?");
      if (length != SQL_NULL_DATA) row[static_cast<std::size_t>(i)] = std::move(cell);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<std::string> Connection::value(const std::string& sql) {
  const std::vector<Row> rows = query(sql);
  if (rows.empty() || rows.front().empty()) return std::nullopt;
  return rows.front().front();
}

void Connection::execute(const std::string& sql) { Statement(*this).execute(sql); }

Statement::Statement(Connection& connection) : connection_(connection) {
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, connection.handle(), &handle_))) {
    throw to_error(diagnostics(SQL_HANDLE_DBC, connection.handle(), connection.quirks().wide), connection.quirks().codes, "no statement", connection.subject());
  }
}

Statement::~Statement() {
  {
    const std::lock_guard lock(connection_.running_mutex_);
    if (connection_.running_ == handle_) connection_.running_ = SQL_NULL_HSTMT;
  }
  SQLFreeHandle(SQL_HANDLE_STMT, handle_);
}

void Statement::fail(const std::string& what) {
  const Diagnostics found = diagnostics(SQL_HANDLE_STMT, handle_, connection_.quirks().wide);
  if (ends_transaction(found, connection_.quirks().codes)) connection_.lost_ = true;
  connection_.check_cancelled();
  throw to_error(found, connection_.quirks().codes, what, connection_.subject());
}

void Statement::execute(const std::string& sql) {
  connection_.check_cancelled();
  if (connection_.lost()) {
    throw Error(ErrorKind::retryable, "the connection has lost its transaction", connection_.subject());
  }
  {
    const std::lock_guard lock(connection_.running_mutex_);
    connection_.running_ = handle_;
  }
  if (executed_) SQLFreeStmt(handle_, SQL_CLOSE);
  executed_ = true;
  connection_.set_executing(true);
  const SQLRETURN result = connection_.quirks().wide ? SQLExecDirectW(handle_, wide_of(sql).data(), SQL_NTS)
                                                     : SQLExecDirect(handle_, bytes_of(sql), SQL_NTS);
  connection_.set_executing(false);
  if (!SQL_SUCCEEDED(result) && result != SQL_NO_DATA) fail("the database refuses a statement");
}

bool Statement::fetch() {
  const SQLRETURN result = SQLFetch(handle_);
  if (result == SQL_NO_DATA) return false;
  if (!SQL_SUCCEEDED(result)) fail("reading stopped");
  return true;
}

bool Statement::more_results() {
  const SQLRETURN result = SQLMoreResults(handle_);
  if (result == SQL_NO_DATA) return false;
  if (!SQL_SUCCEEDED(result)) fail("the database refuses a statement");
  return true;
}

int Statement::columns() {
  SQLSMALLINT count = 0;
  if (!SQL_SUCCEEDED(SQLNumResultCols(handle_, &count))) fail("the result has no columns");
  return count;
}

}  // namespace pulk::odbc
