// RAII around unixODBC's handles; every failed call becomes a pulk::Error with the driver's diagnostics.
//
// Threads: a Connection and its Statements are used by one thread at a time (hold mutex() where several share one);
// only interrupt() may be called from any thread at any time.
#pragma once

#include <sql.h>
#include <sqlext.h>
// unixODBC makes BOOL a macro, Arrow has an enumerator of this name.
#undef BOOL

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "source/odbc/quirks.h"

namespace pulk::odbc {

// A small result: NULL is empty.
using Row = std::vector<std::optional<std::string>>;

class Connection {
 public:
  // `subject` names the database in errors. Cancelling the token interrupts what runs. `before_login` may set attributes
  // that take part in the login; what they point to has to live until the constructor has returned.
  Connection(const std::string& connection_string, const Quirks& quirks, int timeout_seconds, std::string subject,
             CancelToken* cancel, const std::function<void(SQLHDBC)>& before_login = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Results of a few rows: they are copied whole.
  std::vector<Row> query(const std::string& sql);
  // The first cell of the first row; empty when there is no row or it is NULL.
  std::optional<std::string> value(const std::string& sql);
  void execute(const std::string& sql);

  // Stops the running statement, and again every half second while one is being executed: a request that arrives just
  // before its statement is lost. Does nothing when none runs.
  void interrupt();
  // Throws Error(retryable) when the run is cancelled.
  void check_cancelled() const;

  // An error after which the driver may have ended the transaction by itself: nothing more is read, since it would be
  // of another moment.
  bool lost() const { return lost_.load(); }

  // To be called by who has seen that the server has ended the transaction. Throws Error(retryable).
  [[noreturn]] void lose_transaction();

  std::string info(SQLUSMALLINT what) const;
  SQLUINTEGER number_info(SQLUSMALLINT what) const;
  const Quirks& quirks() const { return quirks_; }
  const std::string& subject() const { return subject_; }
  std::mutex& mutex() { return mutex_; }
  // Held while rows arrive between calls, by drivers that carry one statement at a time: others wait for it before they take
  // mutex(). Nothing for other drivers.
  class Rows {
   public:
    Rows() = default;
    explicit Rows(Connection& connection);
    // Without waiting; false when somebody holds it.
    static bool try_hold(Connection& connection, Rows& rows);
    ~Rows() { release(); }
    Rows(Rows&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
    Rows& operator=(Rows&& other) noexcept {
      release();
      connection_ = std::exchange(other.connection_, nullptr);
      return *this;
    }

   private:
    void release();
    Connection* connection_ = nullptr;
  };
  SQLHDBC handle() const { return dbc_; }

 private:
  void close() noexcept;
  void cancel_running();
  void set_executing(bool executing);

  const Quirks& quirks_;
  std::string subject_;
  CancelToken* cancel_;
  std::mutex mutex_;
  std::binary_semaphore rows_{1};
  // An environment of its own: the driver manager may lock a whole environment during a call.
  SQLHENV env_ = SQL_NULL_HENV;
  SQLHDBC dbc_ = SQL_NULL_HDBC;
  bool connected_ = false;
  std::atomic<bool> lost_{false};
  std::mutex running_mutex_;
  SQLHSTMT idle_ = SQL_NULL_HSTMT;     // never executes anything, see Quirks::cancel_by_idle_statement
  SQLHSTMT running_ = SQL_NULL_HSTMT;  // for drivers whose SQLCancel may be called on it
  bool executing_ = false;
  std::jthread again_;
  std::unique_ptr<CancelToken::Registration> registration_;
  friend class Statement;
};

class Statement {
 public:
  explicit Statement(Connection& connection);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Again and again; what is bound stays bound.
  void execute(const std::string& sql);
  // Results of a few rows: they are copied whole.
  std::vector<Row> rows();
  // False after the last row.
  bool fetch();
  // Goes to the result of the next statement of the text; false after the last.
  bool more_results();
  int columns();
  SQLHSTMT handle() const { return handle_; }
  Connection& connection() { return connection_; }
  [[noreturn]] void fail(const std::string& what);

 private:
  Connection& connection_;
  SQLHSTMT handle_ = SQL_NULL_HSTMT;
  bool executed_ = false;
};

}  // namespace pulk::odbc
